// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CONFIG_COMMANDS_H_
#define CLI_CONFIG_COMMANDS_H_

#include "absl/status/statusor.h"
#include "cli/arguments.h"
#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/usage.h"

namespace rehai::cli {

// Does a command whose first word is "config", and writes the answer. Asks no
// controller. Its error is what it could not be done for.
absl::StatusOr<ExitStatus> RunConfig(const Invocation& invocation,
                                     OutputFormat format, Console& console);

}  // namespace rehai::cli

#endif  // CLI_CONFIG_COMMANDS_H_
