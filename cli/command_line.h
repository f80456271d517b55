// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_COMMAND_LINE_H_
#define CLI_COMMAND_LINE_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace rehai::cli {

// What a word may be, for a shell that completes it.
enum class WordKind {
  kAnything,
  kFile,
  kHost,
  kGuest,
  kResync,
  kContext,
};

// A flag: --name VALUE, --name=VALUE, or --name alone if it takes no value.
struct FlagSpec {
  std::string name;
  std::string value = {};  // what the value is called in help; "" for a switch
  std::string help = {};
  char letter = 0;  // as -o VALUE or -oVALUE; 0 for none
  bool repeated = false;
  // All that the value can be, where that is known; a wrong one is for who
  // reads the flag to refuse.
  std::vector<std::string> words = {};
  WordKind kind = WordKind::kAnything;
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
  WordKind kind = WordKind::kAnything;    // of its arguments
  std::vector<std::string> words = {};    // all that its first argument can be
  std::vector<std::string> aliases = {};  // other names, not told of in help
};

// A chapter of a program's manual that is about no command: a term and what it
// means, in each row.
struct ManualChapter {
  std::string title;
  std::vector<std::pair<std::string, std::string>> rows;
};

// A program's commands, and the flags that all of them take, before the command
// or after it.
struct ProgramSpec {
  std::string name;
  std::vector<FlagSpec> flags;
  std::vector<CommandSpec> commands;
  std::string summary = {};  // a sentence without its full stop
  std::vector<ManualChapter> chapters = {};

  // The command of this name or alias. Null if there is none.
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
