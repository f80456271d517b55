// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_COMMAND_LINE_H_
#define CLI_COMMAND_LINE_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace rehai::cli {

// A flag: --name VALUE, --name=VALUE, or --name alone if it takes no value.
struct FlagSpec {
  std::string name;
  std::string value = {};  // what the value is called in help; "" for a switch
  std::string help = {};
  char letter = 0;  // as -o VALUE or -oVALUE; 0 for none
  bool repeated = false;
};

// A command: one word or two.
struct CommandSpec {
  std::string name;
  std::string arguments = {};  // as help shows them: "NAME|UUID"
  size_t min_arguments = 0;
  size_t max_arguments = 0;
  std::string summary = {};
  std::string details = {};  // whole lines
  std::vector<FlagSpec> flags = {};
  std::vector<std::string> examples = {};
};

// A program's commands, and the flags that all of them take, before the command
// or after it.
struct ProgramSpec {
  std::string name;
  std::vector<FlagSpec> flags;
  std::vector<CommandSpec> commands;

  // Null if there is none of this name.
  const CommandSpec* Find(const std::string& name) const;
};

// What was asked for.
struct Invocation {
  std::string command;  // empty: none was given
  std::vector<std::string> arguments;
  std::map<std::string, std::vector<std::string>> flags;
  bool help = false;  // --help or -h, wherever

  bool Has(const std::string& flag) const { return flags.contains(flag); }
  // The last value given, or `otherwise`.
  std::string Get(const std::string& flag,
                  const std::string& otherwise = "") const;
  std::vector<std::string> All(const std::string& flag) const;
};

// Reads the words after the program's name. What follows -- is an argument,
// whatever it looks like. Pure. kInvalidArgument says what is not understood
// and what may have been meant; with --help only unknown words are errors.
absl::StatusOr<Invocation> ParseCommandLine(
    const ProgramSpec& program, const std::vector<std::string>& words);

}  // namespace rehai::cli

#endif  // CLI_COMMAND_LINE_H_
