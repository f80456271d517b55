// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_COMMANDS_H_
#define CLI_COMMANDS_H_

#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/usage.h"

namespace rehai::cli {

// Does what was asked for and writes the answer. Complaints are one line each.
// The invocation names a command of Rehaictl().
ExitStatus RunCommand(const Invocation& invocation, Console& console);

}  // namespace rehai::cli

#endif  // CLI_COMMANDS_H_
