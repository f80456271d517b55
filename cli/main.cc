// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/program_commands.h"
#include "cli/usage.h"

int main(int argc, char** argv) {
  using namespace rehai::cli;  // NOLINT
  Console console;
  const ProgramSpec& program = Rehaictl();
  // What a shell asks for, and no command that people give.
  if (argc > 2 && absl::string_view(argv[1]) == "__complete") {
    PrintCompletions(argv[2], {argv + 3, argv + argc}, console);
    return kDone;
  }
  const auto invocation = ParseCommandLine(
      program, std::vector<std::string>(argv + 1, argv + argc));
  if (!invocation.ok()) {
    console.Complain(invocation.status().message());
    return kUsageError;
  }
  if (invocation->help) {
    console.Print(Help(program, program.Find(invocation->command)));
    return kDone;
  }
  if (invocation->command.empty()) {
    console.Complain("what to do? rehaictl --help lists the commands");
    return kUsageError;
  }
  return RunCommand(*invocation, console);
}
