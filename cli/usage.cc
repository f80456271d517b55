// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/usage.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace rehai::cli {
namespace {

// As many hosts as anyone names by hand.
constexpr size_t kManyHosts = 1000;

constexpr char kExitStatuses[] =
    R"(  0  done
  1  diff: Chef's node differs; resync: not every host was written or unchanged
  2  the command or a value in it is wrong
  3  the server cannot be reached, or did not answer in time
  4  no such host, guest or resync
  5  the server could not do it, and says why
)";

FlagSpec LabelFlag() {
  return {.name = "label",
          .value = "KEY=VALUE",
          .help = "hosts with this label; repeat for more, all must match",
          .letter = 'l',
          .repeated = true};
}

std::vector<FlagSpec> CommonFlags() {
  return {
      {.name = "server",
       .value = "ADDRESS",
       .help = "HOST:PORT or unix:/PATH; default $REHAI_SERVER, then "
               "127.0.0.1:7420",
       .letter = 's'},
      {.name = "output",
       .value = "FORMAT",
       .help = "table (default), json or yaml",
       .letter = 'o'},
      {.name = "cert", .value = "FILE", .help = "TLS: our certificate (PEM)"},
      {.name = "key", .value = "FILE", .help = "TLS: its key (PEM)"},
      {.name = "ca",
       .value = "FILE",
       .help = "TLS: who signed the server's certificate (PEM)"},
      {.name = "timeout",
       .value = "DURATION",
       .help = "give up after 500ms, 30s, 5m; default 30s, and none for "
               "watching"},
  };
}

CommandSpec HostsCommand() {
  return {.name = "hosts",
          .arguments = "[HOST...]",
          .max_arguments = kManyHosts,
          .summary =
              "List hypervisors: how current, how many guests, how "
              "synced with Chef",
          .flags = {LabelFlag()},
          .examples = {"rehaictl hosts", "rehaictl hosts --label rack=a1",
                       "rehaictl hosts hv1.example.com -o yaml"}};
}

CommandSpec GuestsCommand() {
  return {
      .name = "guests",
      .summary = "List guests and where they are",
      .details =
          R"(STATE is as last seen. Beside it, "stale" or "unknown" says that the host does
not answer now, and "missing" that the host does not list the guest any more: it
is on its way to another host, or the brake on mass disappearance holds it until
rehaictl source confirm HOST.)",
      .flags = {{.name = "state",
                 .value = "STATE",
                 .help = "in this state: running, shut-off, paused, ...; "
                         "repeat for more, any may match",
                 .repeated = true},
                {.name = "name",
                 .value = "PATTERN",
                 .help = "of this name: * is anything, ? one character"},
                {.name = "host",
                 .value = "HOST",
                 .help = "on this host; repeat for more",
                 .repeated = true},
                LabelFlag()},
      .examples = {"rehaictl guests --state running",
                   "rehaictl guests --name 'web*' --label rack=a1",
                   "rehaictl guests --host hv1.example.com -o json"}};
}

CommandSpec GuestCommand() {
  return {.name = "guest",
          .arguments = "NAME|UUID",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = "Show all that is known of one guest",
          .examples = {"rehaictl guest web01",
                       "rehaictl guest 6b29fc40-ca47-1067-b31d-00dd010662da "
                       "-o json"}};
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
                {.name = "after",
                 .value = "REVISION",
                 .help = "go on after this revision; default: begin with the "
                         "state as it is"}},
      .examples = {"rehaictl watch", "rehaictl watch --label rack=a1",
                   "rehaictl watch -o json | jq -c .record.node"}};
}

CommandSpec ResyncCommand() {
  return {
      .name = "resync",
      .arguments = "--all | --label KEY=VALUE | HOST...",
      .max_arguments = kManyHosts,
      .summary =
          "Read hypervisors again, and check and write their Chef nodes "
          "again",
      .details =
          R"(The controller does it; rehaictl waits and shows its progress. Ctrl-C stops the
waiting and not the resync. With --ohai the hosts' agents run Ohai instead, and
what it finds goes into the Chef nodes, until the next chef-client run brings its
own. A host named "get", "watch" or "cancel" is written after a double dash:
rehaictl resync -- get)",
      .flags = {{.name = "all", .help = "every host of the fleet"},
                LabelFlag(),
                {.name = "reread",
                 .help = "read the hypervisors; default with --rewrite"},
                {.name = "rewrite",
                 .help = "check the Chef nodes and write what differs; default "
                         "with --reread"},
                {.name = "ohai",
                 .help = "have the hosts' agents run Ohai, and write what it "
                         "finds; goes alone"},
                {.name = "plugins",
                 .value = "LIST",
                 .help = "with --ohai: only these plugins, as in "
                         "network,filesystem; default: those of the "
                         "controller's configuration",
                 .repeated = true},
                {.name = "no-wait", .help = "begin it and return at once"}},
      .examples = {"rehaictl resync --all",
                   "rehaictl resync hv1.example.com hv2.example.com --reread",
                   "rehaictl resync --label rack=a1 --no-wait",
                   "rehaictl resync hv1.example.com --ohai"}};
}

CommandSpec ResyncIdCommand(const std::string& verb,
                            const std::string& summary) {
  return {.name = absl::StrCat("resync ", verb),
          .arguments = "ID",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = summary,
          .examples = {absl::StrCat("rehaictl resync ", verb, " ID")}};
}

CommandSpec DiffCommand() {
  return {.name = "diff",
          .arguments = "HOST",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = "Show what a write of a host's Chef node would change",
          .details =
              "Writes nothing. - is what Chef holds, + what would be "
              "written.",
          .examples = {"rehaictl diff hv1.example.com",
                       "rehaictl diff hv1.example.com -o json"}};
}

CommandSpec ChefStatusCommand() {
  return {
      .name = "chef status",
      .summary = "Show how the Chef server is, what waits for it, and why",
      .details =
          R"(HELD BACK is for how long each limit kept writes waiting: the largest is the
one to raise. The lanes are what somebody waits for (user), what hypervisors say
(live), what somebody saved over (repair), and looking whether all is well
(sweep). Everything is counted since the controller's start.)",
      .examples = {"rehaictl chef status",
                   "rehaictl chef status -o json | jq .state"}};
}

CommandSpec ChefCostCommand() {
  return {
      .name = "chef cost",
      .arguments = "HOST",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Show what a host's Chef node weighs, path by path",
      .details =
          R"(Reads the node from Chef. A path's bytes include all below it.)",
      .examples = {"rehaictl chef cost hv1.example.com",
                   "rehaictl chef cost hv1.example.com -o json"}};
}

CommandSpec ChefLimitsCommand() {
  return {
      .name = "chef limits",
      .summary = "Show or change what the Chef server may be asked",
      .details =
          R"(Changes hold until the controller restarts; the configuration's section "sync"
has them for good, under these names.)",
      .flags = {{.name = "requests_per_second",
                 .value = "NUMBER",
                 .help = "requests to the Chef server"},
                {.name = "request_burst",
                 .value = "COUNT",
                 .help = "requests at once after a quiet time"},
                {.name = "bytes_per_second",
                 .value = "BYTES",
                 .help = "bytes of nodes read and written"},
                {.name = "byte_burst",
                 .value = "BYTES",
                 .help = "bytes at once after a quiet time"},
                {.name = "max_in_flight",
                 .value = "COUNT",
                 .help = "nodes under way at once"},
                {.name = "server_share",
                 .value = "NUMBER",
                 .help = "the share of its time that the server may be busy "
                         "for Rehai, 0 to 1"}},
      .examples = {"rehaictl chef limits",
                   "rehaictl chef limits --requests_per_second=20 "
                   "--server_share=0.25"}};
}

CommandSpec SourceStatusCommand() {
  return {
      .name = "source status",
      .summary = "Show how hypervisors are found, reached and read",
      .details =
          R"(P50 and P99 are what half and 99 of 100 took at most, as exact as the buckets of
the controller's metrics. Missed events are changes that a complete read found
and no event had told of. GOOD is for how long ago the place where hosts are
found could last be used. Everything is counted since the controller's start.)",
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
      .flags =
          {LabelFlag(),
           {.name = "state",
            .value = "STATE",
            .help =
                "in this state: up, dialing, waiting, quarantined, "
                "departed, agent, agentless; repeat, or put commas between, "
                "for more",
            .repeated = true}},
      .examples = {"rehaictl source connections",
                   "rehaictl source connections --state waiting,quarantined",
                   "rehaictl source connections hv1.example.com -o yaml"}};
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
      .flags = {LabelFlag()},
      .examples = {"rehaictl source agents",
                   "rehaictl source agents --label rack=a1",
                   "rehaictl source agents hv1.example.com -o yaml"}};
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
                   "rehaictl source retry --label rack=a1"}};
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
      .examples = {"rehaictl source confirm hv1.example.com"}};
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
      .examples = {"rehaictl source accept hv1.example.com"}};
}

// Two columns, the right one in line.
std::string Columns(
    const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : rows) {
    absl::StrAppend(&out, "  ", left, std::string(width - left.size() + 2, ' '),
                    right, "\n");
  }
  return out;
}

std::string FlagColumns(const std::vector<FlagSpec>& flags) {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.reserve(flags.size());
  for (const FlagSpec& flag : flags) {
    rows.emplace_back(
        absl::StrCat(flag.letter == 0
                         ? "    "
                         : absl::StrCat("-", std::string(1, flag.letter), ", "),
                     "--", flag.name, flag.value.empty() ? "" : " ",
                     flag.value),
        flag.help);
  }
  return Columns(rows);
}

std::string ProgramHelp(const ProgramSpec& program) {
  std::vector<std::pair<std::string, std::string>> commands;
  std::string examples;
  for (const CommandSpec& command : program.commands) {
    commands.emplace_back(command.name, command.summary);
    absl::StrAppend(&examples, "  ", command.examples.front(), "\n");
  }
  return absl::StrCat(
      "Asks and commands a Rehai controller.\n\nUsage: ", program.name,
      " COMMAND [FLAGS]\n\nCommands:\n", Columns(commands),
      "\nFlags of every command:\n", FlagColumns(program.flags),
      "\nExamples:\n", examples, "\nExit status:\n", kExitStatuses, "\n",
      program.name, " COMMAND --help says more about each command.\n");
}

}  // namespace

ExitStatus ExitStatusFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kUsageError;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kUnreachable;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    default:
      return kRefused;
  }
}

const ProgramSpec& Rehaictl() {
  static const auto* const program = new ProgramSpec{
      .name = "rehaictl",
      .flags = CommonFlags(),
      .commands = {HostsCommand(), GuestsCommand(), GuestCommand(),
                   WatchCommand(), ResyncCommand(),
                   ResyncIdCommand("get", "Show how a resync stands"),
                   ResyncIdCommand("watch", "Wait for a resync that runs"),
                   ResyncIdCommand("cancel",
                                   "Leave the hosts alone that a resync has "
                                   "not begun"),
                   DiffCommand(), ChefStatusCommand(), ChefCostCommand(),
                   ChefLimitsCommand(), SourceStatusCommand(),
                   SourceConnectionsCommand(), SourceAgentsCommand(),
                   SourceRetryCommand(), SourceConfirmDiscoveryCommand(),
                   SourceConfirmCommand(), SourceAcceptCommand()}};
  return *program;
}

std::string Help(const ProgramSpec& program, const CommandSpec* command) {
  if (command == nullptr) return ProgramHelp(program);
  std::string out = absl::StrCat(
      command->summary, ".\n\nUsage: ", program.name, " ", command->name,
      command->arguments.empty() ? "" : " ", command->arguments, " [FLAGS]\n");
  if (!command->details.empty()) {
    absl::StrAppend(&out, "\n", command->details, "\n");
  }
  if (!command->flags.empty()) {
    absl::StrAppend(&out, "\nFlags:\n", FlagColumns(command->flags));
  }
  absl::StrAppend(&out, "\nFlags of every command:\n",
                  FlagColumns(program.flags), "\nExamples:\n");
  for (const std::string& example : command->examples) {
    absl::StrAppend(&out, "  ", example, "\n");
  }
  absl::StrAppend(&out, "\nExit status:\n", kExitStatuses);
  return out;
}

}  // namespace rehai::cli
