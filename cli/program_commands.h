// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_PROGRAM_COMMANDS_H_
#define CLI_PROGRAM_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/usage.h"

// Commands about rehaictl itself.
namespace rehai::cli {

// Prints a shell's script.
absl::StatusOr<ExitStatus> RunCompletion(const Invocation& invocation,
                                         Console& console);

// Prints the manual or a command's page.
absl::StatusOr<ExitStatus> RunMan(const Invocation& invocation,
                                  Console& console);

// What a shell's script runs: prints what the last of the words after `shell`
// may become, as CompletionScript() says. Asks the controller for names, but
// not for long. Never complains: a shell would show that in the middle of a
// line.
void PrintCompletions(const std::string& shell,
                      const std::vector<std::string>& words, Console& console);

}  // namespace rehai::cli

#endif  // CLI_PROGRAM_COMMANDS_H_
