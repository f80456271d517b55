// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_USAGE_H_
#define CLI_USAGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/command_line.h"

namespace rehai::cli {

// How rehaictl ends. As with diff(1), 1 is an answer and not a failure.
enum ExitStatus {
  kDone = 0,
  kDifferent = 1,    // an answer that is not the good one
  kUsageError = 2,   // the command or a value in it is wrong
  kUnreachable = 3,  // the server cannot be reached or did not answer in time
  kNotFound = 4,     // no such host, guest or operation
  kRefused = 5,      // the server could not do it; it says why
  kHostsFailed = 6,  // a resync that left hosts undone
  kCanceled = 7,     // a resync that was canceled
  kInterrupted = 130,
};

struct ExitStatusRow {
  ExitStatus status;
  std::string meaning;
};

// What each of them says, in their order.
const std::vector<ExitStatusRow>& ExitStatuses();

// The exit status for a call's error.
ExitStatus ExitStatusFor(const absl::Status& status);

// rehaictl's commands and flags.
const ProgramSpec& Rehaictl();

// The help of one command, or, with none, of the program.
std::string Help(const ProgramSpec& program, const CommandSpec* command);

}  // namespace rehai::cli

#endif  // CLI_USAGE_H_
