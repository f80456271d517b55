// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "absl/strings/str_cat.h"
#include "cli/command_specs.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

CommandSpec ResyncCommand() {
  return {
      .name = "resync",
      .arguments = "--all | --label KEY=VALUE | HOST...",
      .max_arguments = kManyHosts,
      .summary =
          "Read hypervisors again, and check and write their Chef nodes "
          "again",
      .details =
          R"(The controller does it; rehaictl waits and shows its progress. Ctrl-C stops
the waiting and not the resync. With --ohai the hosts' agents run Ohai instead,
and what it finds goes into the Chef nodes, until the next chef-client run brings
its own. A host named "show", "list" or as another of these commands is written
after a double dash: rehaictl resync -- show

Ends with 0 if every host ended well, with 1 if nodes differ (--verify-only) or
would be written (--dry-run), with 6 if a host failed and with 7 if the resync
was canceled; if more than one is so, with the greatest.)",
      .flags = {{.name = "all", .help = "every host of the fleet"},
                LabelFlag(),
                {.name = "reread",
                 .help = "read the hypervisors; default with --rewrite"},
                {.name = "rewrite",
                 .help = "check the Chef nodes and write what differs; default "
                         "with --reread"},
                {.name = "verify-only",
                 .help = "say how the Chef nodes differ, and write nothing; "
                         "with --reread after reading the hypervisors"},
                {.name = "ohai",
                 .help = "have the hosts' agents run Ohai, and write what it "
                         "finds; goes alone"},
                {.name = "plugins",
                 .value = "LIST",
                 .help = "with --ohai: only these plugins, as in "
                         "network,filesystem; default: those of the "
                         "controller's configuration",
                 .repeated = true},
                {.name = "dry-run",
                 .help = "say what it would do to each host, and do nothing"},
                {.name = "rate",
                 .value = "NUMBER",
                 .help = "hosts begun per second, up to 1000"},
                {.name = "concurrency",
                 .value = "COUNT",
                 .help = "hosts under way at once, up to 1000; default 32, or "
                         "8 with --ohai"},
                {.name = "host-timeout",
                 .value = "DURATION",
                 .help = "the time that each host has, 1s to 1h; default 2m"},
                {.name = "deadline",
                 .value = "DURATION",
                 .help = "the time that all of it has, 1s to 7d; default 24h"},
                {.name = "idempotency-key",
                 .value = "TEXT",
                 .help = "with the same key and the same words there is but "
                         "one resync"},
                {.name = "wait", .help = "wait for its end (default)"},
                {.name = "no-wait", .help = "begin it and return at once"}},
      .examples = {"rehaictl resync --all",
                   "rehaictl resync hv1.example.com hv2.example.com --reread",
                   "rehaictl resync --label rack=a1 --no-wait",
                   "rehaictl resync --all --verify-only --rate 5",
                   "rehaictl resync --all --dry-run",
                   "rehaictl resync hv1.example.com --ohai"},
      .kind = WordKind::kHost};
}

CommandSpec ResyncListCommand() {
  return {.name = "resync list",
          .summary = "List the resyncs that run, and those that are kept",
          .details = "Newest first.",
          .flags = With({{.name = "state",
                          .value = "STATE",
                          .help = "running, paused or ended; repeat, or put "
                                  "commas between, for more",
                          .repeated = true,
                          .words = OperationStateWords()},
                         LimitFlag()},
                        WatchFlags()),
          .examples = {"rehaictl resync list",
                       "rehaictl resync list --state running,paused --watch"}};
}

CommandSpec ResyncIdCommand(const std::string& verb, const std::string& summary,
                            const std::vector<std::string>& aliases = {}) {
  return {.name = absl::StrCat("resync ", verb),
          .arguments = "ID",
          .min_arguments = 1,
          .max_arguments = 1,
          .summary = summary,
          .examples = {absl::StrCat("rehaictl resync ", verb,
                                    " rs-20261126-130502-7f3a91c0")},
          .kind = WordKind::kResync,
          .aliases = aliases};
}

}  // namespace

std::vector<CommandSpec> ResyncCommands() {
  return {ResyncCommand(),
          ResyncListCommand(),
          ResyncIdCommand("show", "Show how a resync stands", {"resync get"}),
          ResyncIdCommand("watch", "Wait for a resync that runs"),
          ResyncIdCommand("pause", "Begin no more hosts of a resync for now"),
          ResyncIdCommand("resume", "Go on with a paused resync"),
          ResyncIdCommand("cancel",
                          "Leave the hosts alone that a resync has not begun")};
}

}  // namespace rehai::cli
