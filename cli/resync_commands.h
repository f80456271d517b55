// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_RESYNC_COMMANDS_H_
#define CLI_RESYNC_COMMANDS_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/command_run.h"
#include "cli/interrupt.h"
#include "cli/usage.h"

// Commands about resyncs. Each does what was asked for and writes the answer;
// its error is what it could not be done for.
namespace rehai::cli {

// Begins one and, unless --no-wait says otherwise, awaits it.
absl::StatusOr<ExitStatus> RunResync(const CommandRun& run,
                                     const Interrupt& interrupt);
// Shows a resync's progress until it ends or `interrupt` happens, which has to
// cancel the client's watch.
absl::StatusOr<ExitStatus> AwaitResync(const CommandRun& run,
                                       const std::string& id,
                                       const Interrupt& interrupt);
absl::StatusOr<ExitStatus> RunResyncList(const CommandRun& run);
absl::StatusOr<ExitStatus> RunResyncShow(const CommandRun& run);
absl::StatusOr<ExitStatus> RunResyncPause(const CommandRun& run);
absl::StatusOr<ExitStatus> RunResyncResume(const CommandRun& run);
absl::StatusOr<ExitStatus> RunResyncCancel(const CommandRun& run);

}  // namespace rehai::cli

#endif  // CLI_RESYNC_COMMANDS_H_
