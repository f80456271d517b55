// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CHEF_COMMANDS_H_
#define CLI_CHEF_COMMANDS_H_

#include "absl/status/statusor.h"
#include "cli/command_run.h"
#include "cli/usage.h"

// Commands about the Chef server. Each does what was asked for and writes the
// answer; its error is what it could not be done for.
namespace rehai::cli {

absl::StatusOr<ExitStatus> RunChefStatus(const CommandRun& run);
absl::StatusOr<ExitStatus> RunChefCost(const CommandRun& run);
absl::StatusOr<ExitStatus> RunChefLimits(const CommandRun& run);

}  // namespace rehai::cli

#endif  // CLI_CHEF_COMMANDS_H_
