// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_specs.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

CommandSpec SourceStatusCommand() {
  return {
      .name = "source status",
      .summary = "Show how hypervisors are found, reached and read",
      .details =
          R"(P50 and P99 are what half and 99 of 100 took at most, as exact as the buckets of
the controller's metrics. Missed events are changes that a complete read found
and no event had told of. GOOD is for how long ago the place where hosts are
found could last be used. Everything is counted since the controller's start.)",
      .flags = WatchFlags(),
      .examples = {"rehaictl source status",
                   "rehaictl source status -o json | jq .discovery.held"}};
}

CommandSpec SourceConnectionsCommand() {
  return {
      .name = "source connections",
      .arguments = "[HOST...]",
      .max_arguments = kManyHosts,
      .summary = "List the connections to hypervisors, and what ails them",
      .details =
          R"(FAILURES are those in a row, NEXT DIAL is when it is tried again, and READ is
what the last read took. One host named is told of in full.)",
      .flags = With(
          {LabelFlag(),
           {.name = "state",
            .value = "STATE",
            .help =
                "in this state: up, dialing, waiting, quarantined, "
                "departed, agent, agentless; repeat, or put commas between, "
                "for more",
            .repeated = true,
            .words = ConnectionStateWords()}},
          WatchFlags()),
      .examples = {"rehaictl source connections",
                   "rehaictl source connections --state waiting,quarantined",
                   "rehaictl source connections hv1.example.com -o yaml"},
      .kind = WordKind::kHost};
}

CommandSpec SourceAgentsCommand() {
  return {
      .name = "source agents",
      .arguments = "[HOST...]",
      .max_arguments = kManyHosts,
      .summary = "List the agents on hypervisors, and what ails them",
      .details =
          R"(Those that have come since the controller's start. REPORTS are those of this
session. The error of one that is away is why its session ended, and that of
one that is connected why it cannot read its hypervisor. One host named is told
of in full.)",
      .flags = With({LabelFlag()}, WatchFlags()),
      .examples = {"rehaictl source agents",
                   "rehaictl source agents --label rack=a1",
                   "rehaictl source agents hv1.example.com -o yaml"},
      .kind = WordKind::kHost};
}

CommandSpec SourceRetryCommand() {
  return {
      .name = "source retry",
      .arguments = "--all | --label KEY=VALUE | HOST...",
      .max_arguments = kManyHosts,
      .summary = "Dial hypervisors now that wait to be dialled",
      .details =
          R"(Does not wait for the outcome: rehaictl source connections shows it.)",
      .flags = {{.name = "all", .help = "every host that waits"}, LabelFlag()},
      .examples = {"rehaictl source retry --all",
                   "rehaictl source retry hv1.example.com",
                   "rehaictl source retry --label rack=a1"},
      .kind = WordKind::kHost};
}

CommandSpec SourceConfirmDiscoveryCommand() {
  return {
      .name = "source confirm-discovery",
      .summary =
          "Show or let go the hosts that discovery does not find any more",
      .details =
          R"(When many hosts are not found any more at once, they stay in the fleet until
somebody confirms it. Without --held, lists them. With it, they leave the fleet,
if they are still as many.)",
      .flags = {{.name = "held",
                 .value = "COUNT",
                 .help = "how many hosts you have seen to be held"}},
      .examples = {"rehaictl source confirm-discovery",
                   "rehaictl source confirm-discovery --held=12"}};
}

CommandSpec SourceConfirmCommand() {
  return {
      .name = "source confirm",
      .arguments = "HOST",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Believe a hypervisor that the guests it lacks are gone",
      .details =
          R"(When a complete list lacks many of a host's guests at once, they stay until
somebody confirms it; rehaictl guests --host HOST shows them as missing. Chef is
told that they are gone.)",
      .examples = {"rehaictl source confirm hv1.example.com"},
      .kind = WordKind::kHost};
}

CommandSpec SourceAcceptCommand() {
  return {
      .name = "source accept",
      .arguments = "HOST",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Believe a hypervisor that its new host UUID is its own",
      .details =
          R"(A host that answers with another UUID than it did may be another machine, so
its Chef node is not written. Accept it if the host was built anew.)",
      .examples = {"rehaictl source accept hv1.example.com"},
      .kind = WordKind::kHost};
}

}  // namespace

std::vector<CommandSpec> SourceCommands() {
  return {SourceStatusCommand(),
          SourceConnectionsCommand(),
          SourceAgentsCommand(),
          SourceRetryCommand(),
          SourceConfirmDiscoveryCommand(),
          SourceConfirmCommand(),
          SourceAcceptCommand()};
}

}  // namespace rehai::cli
