// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_WATCH_COMMAND_H_
#define CLI_WATCH_COMMAND_H_

#include "absl/status/statusor.h"
#include "cli/command_run.h"
#include "cli/usage.h"

namespace rehai::cli {

// Shows the fleet's changes until --timeout, or for ever. A connection that is
// lost is made again, and the watch goes on after the last revision it saw, or,
// if that is forgotten, with what is different from what it knew. Errors are
// the first connection's only.
absl::StatusOr<ExitStatus> RunWatch(const CommandRun& run);

}  // namespace rehai::cli

#endif  // CLI_WATCH_COMMAND_H_
