// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_specs.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

CommandSpec HistoryCommand() {
  return {
      .name = "history",
      .arguments = "[NAME|UUID]",
      .max_arguments = 1,
      .summary = "Show what happened to a guest, a host or the fleet",
      .details =
          R"(Newest first. SHOWN is how long after it Chef held it. A TIME is 14:05 (today),
2026-11-26, '2026-11-26 14:05', RFC 3339 as in 2026-11-26T14:05:00Z, or how long
ago: 10m, 2h, 3d, '10m ago'. Without a zone it is local time.)",
      .flags = {HostFlag("of this host and its guests"),
                SinceFlag(),
                UntilFlag(),
                {.name = "kinds",
                 .value = "KIND",
                 .help = "only this happened: created, started, moved-in, "
                         "gone, host-unreachable, ...; repeat, or put commas "
                         "between, for more",
                 .repeated = true,
                 .words = EventWords()},
                {.name = "oldest-first", .help = "in the order of time"},
                LimitFlag()},
      .examples = {"rehaictl history web01",
                   "rehaictl history --host hv1.example.com --since 2h",
                   "rehaictl history --kinds created,gone --since '1d ago' "
                   "-o json"},
      .kind = WordKind::kGuest};
}

CommandSpec HistoryDiffCommand() {
  return {
      .name = "history diff",
      .arguments = "FROM [TO]",
      .min_arguments = 1,
      .max_arguments = 2,
      .summary = "Show what differs between the guests at two times",
      .details =
          R"(TO is now if it is not given. Ends with 1 if something differs, as diff does.)",
      .flags = {HostFlag("only guests that were on this host at one of them")},
      .examples = {"rehaictl history diff 2h",
                   "rehaictl history diff 2026-11-25 2026-11-26 -o json"}};
}

CommandSpec ReceiptsCommand() {
  return {
      .name = "receipts",
      .arguments = "NAME|UUID | --host HOST",
      .max_arguments = 1,
      .summary = "Show when a change was seen, written, verified and found",
      .details =
          R"(Of a guest its last change, of a host its last ones. WRITTEN, VERIFIED and
SEARCHABLE are how long after it was seen.)",
      .flags = {HostFlag("of this host's changes"), LimitFlag()},
      .examples = {"rehaictl receipts web01",
                   "rehaictl receipts --host hv1.example.com -o json"},
      .kind = WordKind::kGuest};
}

CommandSpec WaitCommand() {
  return {
      .name = "wait",
      .arguments = "NAME|UUID",
      .min_arguments = 1,
      .max_arguments = 1,
      .summary = "Wait until Chef shows a guest, or shows it no more",
      .details =
          R"(Ends with 0 once it is so and with 1 if it is not within --timeout (default
30s, at most 10m).)",
      .flags = {{.name = "for",
                 .value = "LEVEL",
                 .help = "observed, written, verified (default) or "
                         "searchable; absent waits until it is gone, "
                         "absent,searchable until searches say so, too",
                 .repeated = true,
                 .words = {"observed", "written", "verified", "searchable",
                           "absent"}},
                {.name = "state",
                 .value = "STATE",
                 .help = "and is in this state; repeat for more, any may do",
                 .repeated = true,
                 .words = GuestStateWords()},
                HostFlag("and is on this host")},
      .examples = {"rehaictl wait web01",
                   "rehaictl wait web01 --for searchable --state running "
                   "--timeout 2m",
                   "rehaictl wait web01 --for absent --host hv1.example.com"},
      .kind = WordKind::kGuest};
}

CommandSpec ExplainCommand() {
  return {
      .name = "explain",
      .arguments = "HOST [PATH] | --guest NAME|UUID [PATH]",
      .max_arguments = 2,
      .summary = "Say why a Chef node holds what it holds, or why it does not",
      .details =
          R"(Without a PATH of the whole node. A PATH is the keys from the node's top with
dots between. Ends with 1 if Chef does not hold what it should.)",
      .flags = {{.name = "guest",
                 .value = "GUEST",
                 .help = "of this guest, on whichever host it is",
                 .kind = WordKind::kGuest}},
      .examples = {"rehaictl explain hv1.example.com",
                   "rehaictl explain hv1.example.com "
                   "automatic.virtualization",
                   "rehaictl explain --guest web01 -o json"},
      .kind = WordKind::kHost};
}

CommandSpec AuditCommand() {
  return {.name = "audit",
          .summary = "Show who commanded what, and how it ended",
          .details = "Newest first. What was refused is there, too.",
          .flags = {{.name = "caller",
                     .value = "NAME",
                     .help = "only by this caller"},
                    {.name = "command",
                     .value = "METHOD",
                     .help = "only of this service or method: Resync, "
                             "Resync.Start"},
                    SinceFlag(),
                    UntilFlag(),
                    LimitFlag()},
          .examples = {"rehaictl audit --since 1d",
                       "rehaictl audit --command Resync.Start -o json"}};
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
                       "rehaictl diff hv1.example.com -o json"},
          .kind = WordKind::kHost};
}

}  // namespace

std::vector<CommandSpec> HistoryCommands() {
  return {HistoryCommand(), HistoryDiffCommand(), ReceiptsCommand(),
          WaitCommand(),    ExplainCommand(),     DiffCommand(),
          AuditCommand()};
}

}  // namespace rehai::cli
