// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_COMPLETION_H_
#define CLI_COMPLETION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/command_line.h"

// Completing a command line in a shell. The shell runs a small script, which
// runs the program with the words so far; what may come next is found here,
// from the same ProgramSpec that the words will be read by. Pure.
namespace rehai::cli {

struct Candidate {
  std::string word;
  std::string help;  // may be empty
};

// What the last of a command line's words may become.
struct Completion {
  std::vector<Candidate> candidates = {};  // begin with the word so far
  // Names that the caller has to find, too: those that begin with `typed`, each
  // after `lead`, as in "--host=".
  WordKind kind = WordKind::kAnything;
  std::string lead = {};
  std::string typed = {};
};

// `words` are those after the program's name; the last is being typed and may
// be empty. There is at least one.
Completion Complete(const ProgramSpec& program,
                    const std::vector<std::string>& words);

// Words as bash has them, which breaks words at = and :, as they were typed.
std::vector<std::string> JoinBashWords(const std::vector<std::string>& words);

// What to print for a candidate of the completion of `words`, of which bash
// calls only the last one a word.
std::string AsBashCompletes(const std::string& candidate,
                            const std::vector<std::string>& words);

// The script that makes bash, zsh or fish complete the program's words, by
// running it as
//   PROGRAM __complete SHELL WORD...
// which prints a candidate a line, with a tab and its help after it, or
// ":files". kInvalidArgument for another shell.
absl::StatusOr<std::string> CompletionScript(const std::string& shell,
                                             const std::string& program);

}  // namespace rehai::cli

#endif  // CLI_COMPLETION_H_
