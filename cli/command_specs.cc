// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_specs.h"

namespace rehai::cli {

FlagSpec LabelFlag() {
  return {.name = "label",
          .value = "KEY=VALUE",
          .help = "hosts with this label; repeat for more, all must match",
          .letter = 'l',
          .repeated = true};
}

FlagSpec HostFlag(const std::string& help, bool repeated) {
  return {.name = "host",
          .value = "HOST",
          .help = help,
          .repeated = repeated,
          .kind = WordKind::kHost};
}

FlagSpec FilterFlag() {
  return {.name = "filter",
          .value = "EXPRESSION",
          .help =
              "as in 'state = running AND memory >= 4GiB'; "
              "docs/query.md has the fields",
          .letter = 'f'};
}

FlagSpec SortFlag() {
  return {.name = "sort",
          .value = "FIELDS",
          .help =
              "fields with commas between, each with \" desc\" after it "
              "if the greatest comes first"};
}

FlagSpec FieldsFlag() {
  return {.name = "fields",
          .value = "PATHS",
          .help =
              "only these fields of the answer, with commas between; a "
              "table has them as its columns",
          .repeated = true};
}

FlagSpec AsOfFlag() {
  return {.name = "as-of",
          .value = "TIME",
          .help = "as it was then, from the history"};
}

FlagSpec SinceFlag() {
  return {.name = "since", .value = "TIME", .help = "at this time or later"};
}

FlagSpec UntilFlag() {
  return {.name = "until", .value = "TIME", .help = "before this time"};
}

FlagSpec LimitFlag() {
  return {.name = "limit",
          .value = "COUNT",
          .help = "at most so many; default 100, 0 for all",
          .letter = 'n'};
}

std::vector<FlagSpec> WatchFlags() {
  return {{.name = "watch",
           .help = "show it again whenever it changes, until Ctrl-C or "
                   "--timeout; on a terminal in place",
           .letter = 'w'},
          {.name = "interval",
           .value = "DURATION",
           .help = "with --watch: how often to look; default 2s"}};
}

std::vector<FlagSpec> With(std::vector<FlagSpec> flags,
                           const std::vector<FlagSpec>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

}  // namespace rehai::cli
