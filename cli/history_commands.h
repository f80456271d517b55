// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_HISTORY_COMMANDS_H_
#define CLI_HISTORY_COMMANDS_H_

#include "absl/status/statusor.h"
#include "cli/command_run.h"
#include "cli/usage.h"

// Commands about what was, and how far it has come. Each does what was asked
// for and writes the answer; its error is what it could not be done for.
namespace rehai::cli {

absl::StatusOr<ExitStatus> RunHistory(const CommandRun& run);
absl::StatusOr<ExitStatus> RunHistoryDiff(const CommandRun& run);
absl::StatusOr<ExitStatus> RunReceipts(const CommandRun& run);
absl::StatusOr<ExitStatus> RunWait(const CommandRun& run);
absl::StatusOr<ExitStatus> RunExplain(const CommandRun& run);
absl::StatusOr<ExitStatus> RunDiff(const CommandRun& run);
absl::StatusOr<ExitStatus> RunAudit(const CommandRun& run);

}  // namespace rehai::cli

#endif  // CLI_HISTORY_COMMANDS_H_
