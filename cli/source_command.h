// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_SOURCE_COMMAND_H_
#define CLI_SOURCE_COMMAND_H_

#include "absl/status/statusor.h"
#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/usage.h"

namespace rehai::cli {

// Runs the commands that begin with "source". The error that one could not be
// done for is for RunCommand() to tell.
absl::StatusOr<ExitStatus> RunSource(const Invocation& invocation,
                                     OutputFormat format, Client& client,
                                     Console& console);

}  // namespace rehai::cli

#endif  // CLI_SOURCE_COMMAND_H_
