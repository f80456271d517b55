// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_FLEET_COMMANDS_H_
#define CLI_FLEET_COMMANDS_H_

#include "absl/status/statusor.h"
#include "cli/command_run.h"
#include "cli/usage.h"

// Commands about what is where. Each does what was asked for and writes the
// answer; its error is what it could not be done for.
namespace rehai::cli {

absl::StatusOr<ExitStatus> RunHosts(const CommandRun& run);
absl::StatusOr<ExitStatus> RunGuests(const CommandRun& run);
absl::StatusOr<ExitStatus> RunGuest(const CommandRun& run);
absl::StatusOr<ExitStatus> RunSummary(const CommandRun& run);
absl::StatusOr<ExitStatus> RunFindings(const CommandRun& run);

}  // namespace rehai::cli

#endif  // CLI_FLEET_COMMANDS_H_
