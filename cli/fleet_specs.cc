// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_specs.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

CommandSpec HostsCommand() {
  return {.name = "hosts",
          .arguments = "[HOST...]",
          .max_arguments = kManyHosts,
          .summary =
              "List hypervisors: how current, how many guests, how "
              "synced with Chef",
          .flags = With(
              {LabelFlag(), FilterFlag(), SortFlag(), FieldsFlag(), AsOfFlag()},
              WatchFlags()),
          .examples = {"rehaictl hosts", "rehaictl hosts --label rack=a1",
                       "rehaictl hosts --filter 'sync = parked' -o wide",
                       "rehaictl hosts --watch",
                       "rehaictl hosts hv1.example.com --as-of 2h",
                       "rehaictl hosts hv1.example.com -o yaml"},
          .kind = WordKind::kHost};
}

CommandSpec GuestsCommand() {
  return {
      .name = "guests",
      .summary = "List guests and where they are",
      .details =
          R"(STATE is as last seen. Beside it, "stale" or "unknown" says that the host does
not answer now, and "missing" that the host does not list the guest any more: it
is on its way to another host, or the brake on mass disappearance holds it until
rehaictl source confirm HOST. With -o name a guest whose name others share is
told by its UUID, so that each line names one guest.)",
      .flags = With({{.name = "state",
                      .value = "STATE",
                      .help = "in this state: running, shut-off, paused, ...; "
                              "repeat for more, any may match",
                      .repeated = true,
                      .words = GuestStateWords()},
                     {.name = "name",
                      .value = "PATTERN",
                      .help = "of this name: * is anything, ? one character"},
                     HostFlag("on this host; repeat for more"),
                     LabelFlag(),
                     FilterFlag(),
                     SortFlag(),
                     FieldsFlag(),
                     AsOfFlag()},
                    WatchFlags()),
      .examples = {"rehaictl guests --state running",
                   "rehaictl guests --name 'web*' --label rack=a1",
                   "rehaictl guests --filter 'memory >= 4GiB AND NOT missing' "
                   "--sort 'memory desc'",
                   "rehaictl guests --fields guest.name,guest.memory_kib",
                   "rehaictl guests --as-of '2026-11-26 14:05'",
                   "rehaictl guests --host hv1.example.com -o json"}};
}

CommandSpec GuestCommand() {
  return {.name = "guest",
          .arguments = "NAME|UUID | --mac MAC | --ip IP",
          .max_arguments = 1,
          .summary = "Show all that is known of one guest",
          .flags = {{.name = "mac",
                     .value = "MAC",
                     .help = "the guest with this interface"},
                    {.name = "ip",
                     .value = "IP",
                     .help = "the guest with this address"}},
          .examples = {"rehaictl guest web01",
                       "rehaictl guest 6b29fc40-ca47-1067-b31d-00dd010662da "
                       "-o json",
                       "rehaictl guest --mac 52:54:00:6b:3c:58",
                       "rehaictl guest --ip 10.0.0.7"},
          .kind = WordKind::kGuest};
}

CommandSpec SummaryCommand() {
  return {
      .name = "summary",
      .summary =
          "Count guests, and what of their hosts they are given, by group",
      .details =
          R"(RUNNING is the running guests, and VCPUS and MEMORY are what these have.
HOSTS are those that the guests are on, and without a filter all; CPUS and HOST
MEMORY are these hosts'.)",
      .flags = {{.name = "by",
                 .value = "FIELD",
                 .help = "group by it; two at most, repeated or with a comma "
                         "between; host.labels.KEY is one, too",
                 .repeated = true,
                 .words = {"state", "state_reason", "node", "source",
                           "persistent", "autostart", "missing",
                           "host.presence", "host.hypervisor_version",
                           "host.hypervisor"}},
                HostFlag("on this host; repeat for more"),
                LabelFlag(),
                FilterFlag()},
      .examples = {"rehaictl summary --by state",
                   "rehaictl summary --by host.labels.rack,state",
                   "rehaictl summary --by node --filter 'state = running' "
                   "-o json"},
      .aliases = {"guests summary", "guests count"}};
}

CommandSpec WatchCommand() {
  return {
      .name = "watch",
      .arguments = "[HOST...]",
      .max_arguments = kManyHosts,
      .summary = "Show changes as they happen",
      .details =
          R"(One line for each change. With -o json each step of the stream is a line of
its own, with -o yaml a document. When the connection is lost, it connects again
and goes on after the last revision it saw.)",
      .flags = {LabelFlag(),
                FilterFlag(),
                {.name = "after",
                 .value = "REVISION",
                 .help = "go on after this revision; default: begin with the "
                         "state as it is"}},
      .examples = {"rehaictl watch", "rehaictl watch --label rack=a1",
                   "rehaictl watch -o json | jq -c .record.node"},
      .kind = WordKind::kHost};
}

CommandSpec FindingsCommand() {
  return {
      .name = "findings",
      .summary = "Show what cannot be right in the fleet",
      .details =
          R"(The controller looks all the time: for guests that are active on two hosts,
addresses and names that guests share, nodes in Chef without a host, hosts that
Chef does not show, and hosts that are silent.)",
      .flags = With({{.name = "type",
                      .value = "TYPE",
                      .help = "only of this type; repeat, or put commas "
                              "between, for more",
                      .repeated = true,
                      .words = FindingWords()},
                     HostFlag("that this host is part of"),
                     LimitFlag()},
                    WatchFlags()),
      .examples = {"rehaictl findings", "rehaictl findings --watch",
                   "rehaictl findings --type guest-active-twice -o json"}};
}

}  // namespace

std::vector<CommandSpec> FleetCommands() {
  return {HostsCommand(),   GuestsCommand(), GuestCommand(),
          SummaryCommand(), WatchCommand(),  FindingsCommand()};
}

}  // namespace rehai::cli
