// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_line.h"

#include <optional>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/spelling.h"
#include "base/status_macros.h"

namespace rehai::cli {
namespace {

absl::Status Misspelt(absl::string_view kind, const std::string& word,
                      const std::vector<std::string>& known,
                      absl::string_view prefix, absl::string_view remedy) {
  const std::string meant = ClosestWord(word, known);
  return absl::InvalidArgumentError(
      meant.empty()
          ? absl::StrCat(kind, " ", prefix, word, ": unknown; ", remedy)
          : absl::StrCat(kind, " ", prefix, word, ": unknown; did you mean ",
                         prefix, meant, "?"));
}

class Parser {
 public:
  explicit Parser(const ProgramSpec& program) : program_(program) {}

  absl::StatusOr<Invocation> Parse(const std::vector<std::string>& words) {
    for (next_ = words.begin(), end_ = words.end(); next_ != end_;) {
      const std::string word = *next_++;
      if (word == "--") {
        RETURN_IF_ERROR(Settle());
        result_.arguments.insert(result_.arguments.end(), next_, end_);
        break;
      }
      if (word == "--help" || word == "-h") {
        result_.help = true;
      } else if (absl::StartsWith(word, "--")) {
        RETURN_IF_ERROR(TakeLongFlag(word.substr(2)));
      } else if (word.size() > 1 && word[0] == '-') {
        RETURN_IF_ERROR(TakeLetter(word));
      } else {
        RETURN_IF_ERROR(TakeWord(word));
      }
    }
    RETURN_IF_ERROR(Settle());
    RETURN_IF_ERROR(CheckFlags());
    if (!result_.help) RETURN_IF_ERROR(CheckArguments());
    return result_;
  }

 private:
  // The first word waits for the second: together they may be a command.
  absl::Status TakeWord(const std::string& word) {
    if (!first_word_) {
      first_word_ = word;
      return absl::OkStatus();
    }
    if (result_.command.empty()) {
      const std::string two = absl::StrCat(*first_word_, " ", word);
      if (const CommandSpec* const command = program_.Find(two)) {
        result_.command = command->name;
        return absl::OkStatus();
      }
    }
    if (result_.command.empty() && program_.Find(*first_word_) == nullptr) {
      return UnknownCommand(absl::StrCat(*first_word_, " ", word));
    }
    RETURN_IF_ERROR(Settle());
    result_.arguments.push_back(word);
    return absl::OkStatus();
  }

  // The command is the first word alone, if nothing else was found.
  absl::Status Settle() {
    if (!result_.command.empty() || !first_word_) return absl::OkStatus();
    const CommandSpec* const command = program_.Find(*first_word_);
    if (command == nullptr) return UnknownCommand(*first_word_);
    result_.command = command->name;
    return absl::OkStatus();
  }

  // `words` is what was typed for a command: one word or two.
  absl::Status UnknownCommand(const std::string& words) const {
    std::vector<std::string> names;
    std::vector<std::string> continued;  // those that the first word begins
    for (const CommandSpec& command : program_.commands) {
      names.push_back(command.name);
      if (absl::StartsWith(command.name, absl::StrCat(*first_word_, " "))) {
        continued.push_back(command.name);
      }
    }
    const bool two_words = words != *first_word_;
    const bool near = two_words && !ClosestWord(words, names).empty();
    if (!near && !continued.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "command ", words, two_words ? ": unknown" : ": unfinished",
          "; there are ", absl::StrJoin(continued, ", ")));
    }
    return Misspelt("command", near ? words : *first_word_, names, "",
                    absl::StrCat(program_.name, " --help lists them all"));
  }

  absl::Status TakeLongFlag(const std::string& text) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    const FlagSpec* const flag =
        FindFlag([&](const FlagSpec& f) { return f.name == parts.first; });
    if (flag == nullptr) return UnknownFlag(parts.first);
    if (absl::StrContains(text, "=")) {
      if (flag->value.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("flag --", flag->name, ": takes no value"));
      }
      return Store(*flag, parts.second);
    }
    return TakeValue(*flag);
  }

  absl::Status TakeLetter(const std::string& word) {
    const FlagSpec* const flag =
        FindFlag([&](const FlagSpec& f) { return f.letter == word[1]; });
    if (flag == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "flag ", word, ": unknown; ", program_.name, " --help lists them"));
    }
    if (word.size() == 2) return TakeValue(*flag);
    if (flag->value.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("flag ", word, ": -", std::string(1, flag->letter),
                       " takes no value"));
    }
    const size_t skip = word[2] == '=' ? 3 : 2;
    return Store(*flag, word.substr(skip));
  }

  absl::Status TakeValue(const FlagSpec& flag) {
    if (flag.value.empty()) return Store(flag, "");
    if (next_ == end_) {
      return absl::InvalidArgumentError(
          absl::StrCat("flag --", flag.name, ": its value is missing; write --",
                       flag.name, " ", flag.value));
    }
    return Store(flag, *next_++);
  }

  absl::Status Store(const FlagSpec& flag, const std::string& value) {
    std::vector<std::string>& values = result_.flags[flag.name];
    if (!values.empty() && !flag.repeated && !flag.value.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("flag --", flag.name, ": given twice; give it once"));
    }
    values.push_back(value);
    return absl::OkStatus();
  }

  // A flag may come before its command, so all commands' flags are looked at.
  template <typename Predicate>
  const FlagSpec* FindFlag(Predicate is_it) const {
    for (const FlagSpec& flag : program_.flags) {
      if (is_it(flag)) return &flag;
    }
    for (const CommandSpec& command : program_.commands) {
      for (const FlagSpec& flag : command.flags) {
        if (is_it(flag)) return &flag;
      }
    }
    return nullptr;
  }

  absl::Status UnknownFlag(const std::string& name) {
    std::vector<std::string> names = {"help"};
    for (const FlagSpec& flag : program_.flags) names.push_back(flag.name);
    RETURN_IF_ERROR(Settle());
    if (const CommandSpec* const command = program_.Find(result_.command)) {
      for (const FlagSpec& flag : command->flags) names.push_back(flag.name);
    }
    return Misspelt(
        "flag", name, names, "--",
        absl::StrCat(program_.name, " ",
                     result_.command.empty() ? "" : result_.command,
                     result_.command.empty() ? "" : " ", "--help lists them"));
  }

  absl::Status CheckFlags() const {
    const CommandSpec* const command = program_.Find(result_.command);
    if (command == nullptr) return absl::OkStatus();
    for (const auto& [name, values] : result_.flags) {
      const auto is_it = [&name = name](const FlagSpec& flag) {
        return flag.name == name;
      };
      bool known = false;
      for (const FlagSpec& flag : program_.flags) known |= is_it(flag);
      for (const FlagSpec& flag : command->flags) known |= is_it(flag);
      if (!known) {
        return absl::InvalidArgumentError(absl::StrCat(
            "flag --", name, ": not one of ", command->name, "; ",
            program_.name, " ", command->name, " --help lists them"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckArguments() const {
    const CommandSpec* const command = program_.Find(result_.command);
    if (command == nullptr) return absl::OkStatus();
    const size_t given = result_.arguments.size();
    const std::string usage =
        absl::StrCat("write: ", program_.name, " ", command->name,
                     command->arguments.empty() ? "" : " ", command->arguments);
    if (given < command->min_arguments) {
      return absl::InvalidArgumentError(
          absl::StrCat(command->name, ": an argument is missing; ", usage));
    }
    if (given > command->max_arguments) {
      return absl::InvalidArgumentError(absl::StrCat(
          command->name, ": \"", result_.arguments[command->max_arguments],
          "\" is one argument too many; ", usage));
    }
    return absl::OkStatus();
  }

  const ProgramSpec& program_;
  std::vector<std::string>::const_iterator next_;
  std::vector<std::string>::const_iterator end_;
  std::optional<std::string> first_word_;
  Invocation result_;
};

}  // namespace

const CommandSpec* ProgramSpec::Find(const std::string& name) const {
  for (const CommandSpec& command : commands) {
    if (command.name == name || absl::c_linear_search(command.aliases, name)) {
      return &command;
    }
  }
  return nullptr;
}

std::string Invocation::Get(const std::string& flag,
                            const std::string& otherwise) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? otherwise : found->second.back();
}

std::vector<std::string> Invocation::All(const std::string& flag) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<Invocation> ParseCommandLine(
    const ProgramSpec& program, const std::vector<std::string>& words) {
  return Parser(program).Parse(words);
}

}  // namespace rehai::cli
