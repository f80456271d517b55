// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_SOURCE_COMMAND_H_
#define CLI_SOURCE_COMMAND_H_

#include "absl/status/statusor.h"
#include "cli/command_run.h"
#include "cli/usage.h"

namespace rehai::cli {

// Does a command whose first word is "source", and writes the answer. Its error
// is what it could not be done for.
absl::StatusOr<ExitStatus> RunSource(const CommandRun& run);

}  // namespace rehai::cli

#endif  // CLI_SOURCE_COMMAND_H_
