// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/usage.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/command_specs.h"

namespace rehai::cli {
namespace {

std::vector<FlagSpec> CommonFlags() {
  return {
      {.name = "server",
       .value = "ADDRESS",
       .help = "HOST:PORT or unix:/PATH; default 127.0.0.1:7420",
       .letter = 's'},
      {.name = "context",
       .value = "NAME",
       .help = "the context of the configuration file to use",
       .kind = WordKind::kContext},
      {.name = "output",
       .value = "FORMAT",
       .help = "table (default), wide, json, yaml, or name: a name a line",
       .letter = 'o',
       .words = {"table", "wide", "json", "yaml", "name"}},
      {.name = "cert",
       .value = "FILE",
       .help = "TLS: our certificate (PEM)",
       .kind = WordKind::kFile},
      {.name = "key",
       .value = "FILE",
       .help = "TLS: its key (PEM)",
       .kind = WordKind::kFile},
      {.name = "ca",
       .value = "FILE",
       .help = "TLS: who signed the server's certificate (PEM)",
       .kind = WordKind::kFile},
      {.name = "token-file",
       .value = "FILE",
       .help = "the file with the bearer token that says who we are",
       .kind = WordKind::kFile},
      {.name = "timeout",
       .value = "DURATION",
       .help = "give up after 500ms, 30s, 5m; default 30s, and none for "
               "watching"},
  };
}

std::vector<ManualChapter> Chapters() {
  return {
      {"Times",
       {{"14:05, 'yesterday 14:05'",
         "that time of today, or of the day before"},
        {"2026-11-26, '2026-11-26 14:05'",
         "that day's beginning, or that time"},
        {"2026-11-26T14:05:00Z", "RFC 3339, with its own zone"},
        {"10m, 2h, 3d, '10m ago'", "so long ago"}}},
      {"Environment",
       {{"REHAI_CONTEXT", "as --context"},
        {"REHAI_SERVER", "as --server"},
        {"REHAI_CERT, REHAI_KEY, REHAI_CA", "as --cert, --key and --ca"},
        {"REHAI_TOKEN_FILE", "as --token-file"},
        {"REHAICTL_CONFIG", "the configuration file, in place of the usual"},
        {"COLUMNS", "how wide a terminal is; tables are cut to fit"},
        {"NO_COLOR", "if it is set, there are no colours"}}},
      {"Files",
       {{"$XDG_CONFIG_HOME/rehai/rehaictl.yaml",
         "the contexts, as rehaictl config set makes them"},
        {"~/.config/rehai/rehaictl.yaml",
         "the same, where XDG_CONFIG_HOME is not set"}}},
  };
}

ProgramSpec MakeProgram() {
  ProgramSpec program{.name = "rehaictl",
                      .flags = CommonFlags(),
                      .commands = {},
                      .summary = "Asks and commands a Rehai controller",
                      .chapters = Chapters()};
  for (const auto& subject :
       {FleetCommands(), HistoryCommands(), ResyncCommands(), ChefCommands(),
        SourceCommands(), ProgramCommands()}) {
    program.commands.insert(program.commands.end(), subject.begin(),
                            subject.end());
  }
  program.chapters.push_back({"Exit status", {}});
  for (const ExitStatusRow& row : ExitStatuses()) {
    program.chapters.back().rows.emplace_back(absl::StrCat(row.status),
                                              row.meaning);
  }
  return program;
}

}  // namespace

const std::vector<ExitStatusRow>& ExitStatuses() {
  static const auto* const rows = new std::vector<ExitStatusRow>{
      {kDone, "done; of a resync: every host ended well"},
      {kDifferent,
       "done, and the answer is not the good one: diff, history diff, explain, "
       "resync --verify-only and --dry-run: something differs; findings: there "
       "are some; wait: not within its timeout"},
      {kUsageError, "the command or a value in it is wrong"},
      {kUnreachable, "the server cannot be reached, or did not answer in time"},
      {kNotFound, "no such host, guest, resync or context"},
      {kRefused, "the server could not do it, and says why"},
      {kHostsFailed, "resync: a host failed"},
      {kCanceled, "resync: canceled before its end"},
      {kInterrupted, "Ctrl-C"},
  };
  return *rows;
}

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
  static const auto* const program = new ProgramSpec(MakeProgram());
  return *program;
}

}  // namespace rehai::cli
