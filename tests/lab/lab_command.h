// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LAB_COMMAND_H_
#define TESTS_LAB_LAB_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::lab {

// What somebody who runs a lab by hand wants of it.
struct LabCommand {
  enum class Verb {
    kNothing,  // an empty line
    kHelp,
    kList,
    kKill,
    kHang,
    kResume,
    kSlow,
    kBlackHole,
    kCut,
    kWrongKey,
    kRefuse,
    kRestart,
    kHeal,
    kChurn,
    kQuit,
  };

  Verb verb = Verb::kNothing;
  std::string hosts = {};                       // see SelectHosts()
  absl::Duration delay = absl::ZeroDuration();  // kSlow: each way
  double changes_per_second = 0;                // kChurn
};

// One line of input. kInvalidArgument says what is wrong and how it is right.
absl::StatusOr<LabCommand> ParseLabCommand(absl::string_view line);

// A line for each command.
std::string LabCommandHelp();

// Which of `names` are meant, by index: "all", "30%" (the first so many,
// rounded up), a name, or a pattern like "sim1*" for several. A name's first
// label is enough: "sim1" for "sim1.example.net". kInvalidArgument, also if
// none is.
absl::StatusOr<std::vector<int>> SelectHosts(
    absl::string_view hosts, const std::vector<std::string>& names);

}  // namespace rehai::lab

#endif  // TESTS_LAB_LAB_COMMAND_H_
