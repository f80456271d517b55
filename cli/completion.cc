// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/completion.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/spelling.h"

namespace rehai::cli {
namespace {

// What the words before the last one say.
class Place {
 public:
  Place(const ProgramSpec& program, const std::vector<std::string>& words)
      : program_(program) {
    for (size_t i = 0; i + 1 < words.size(); ++i) Take(words[i]);
  }

  // The flag whose value is next; null if it is not one's.
  const FlagSpec* awaited() const { return awaited_; }
  bool only_arguments() const { return only_arguments_; }
  const std::string& first_word() const { return first_word_; }
  // Null while it is not known.
  const CommandSpec* command() const { return program_.Find(command_); }
  size_t arguments() const { return arguments_; }

  const FlagSpec* FindFlag(const std::string& name) const {
    for (const FlagSpec& flag : program_.flags) {
      if (flag.name == name) return &flag;
    }
    for (const CommandSpec& candidate : program_.commands) {
      if (command() != nullptr && command() != &candidate) continue;
      for (const FlagSpec& flag : candidate.flags) {
        if (flag.name == name) return &flag;
      }
    }
    return nullptr;
  }

 private:
  void Take(const std::string& word) {
    if (awaited_ != nullptr) {
      awaited_ = nullptr;
    } else if (only_arguments_) {
      ++arguments_;
    } else if (word == "--") {
      only_arguments_ = true;
    } else if (absl::StartsWith(word, "--")) {
      if (absl::StrContains(word, "=")) return;
      Await(FindFlag(word.substr(2)));
    } else if (word.size() == 2 && word[0] == '-') {
      Await(FindLetter(word[1]));
    } else if (!absl::StartsWith(word, "-")) {
      TakeWord(word);
    }
  }

  void Await(const FlagSpec* flag) {
    if (flag != nullptr && !flag->value.empty()) awaited_ = flag;
  }

  void TakeWord(const std::string& word) {
    if (first_word_.empty()) {
      first_word_ = word;
      if (program_.Find(word) != nullptr) command_ = word;
      return;
    }
    const std::string two = absl::StrCat(first_word_, " ", word);
    if (arguments_ == 0 && command_ != two && program_.Find(two) != nullptr) {
      command_ = two;
      return;
    }
    ++arguments_;
  }

  const FlagSpec* FindLetter(char letter) const {
    for (const FlagSpec& flag : program_.flags) {
      if (flag.letter == letter) return &flag;
    }
    for (const CommandSpec& candidate : program_.commands) {
      for (const FlagSpec& flag : candidate.flags) {
        if (flag.letter == letter) return &flag;
      }
    }
    return nullptr;
  }

  const ProgramSpec& program_;
  const FlagSpec* awaited_ = nullptr;
  bool only_arguments_ = false;
  std::string first_word_;
  std::string command_;
  size_t arguments_ = 0;
};

void Offer(Completion& completion, const std::string& word,
           const std::string& help) {
  if (!absl::StartsWith(word, completion.typed)) return;
  completion.candidates.push_back({absl::StrCat(completion.lead, word), help});
}

void OfferFlags(const ProgramSpec& program, const CommandSpec* command,
                Completion& completion) {
  const auto offer = [&](const std::vector<FlagSpec>& flags) {
    for (const FlagSpec& flag : flags) {
      Offer(completion, absl::StrCat("--", flag.name), flag.help);
    }
  };
  if (command != nullptr) offer(command->flags);
  offer(program.flags);
  Offer(completion, "--help", "what it does and how to ask for it");
}

// The flag's values; of one that takes several, of the last after a comma.
Completion ValuesOf(const FlagSpec& flag, const std::string& lead,
                    const std::string& value) {
  Completion completion{.lead = lead, .typed = value};
  const size_t comma = value.rfind(',');
  if (flag.repeated && comma != value.npos) {
    absl::StrAppend(&completion.lead, value.substr(0, comma + 1));
    completion.typed = value.substr(comma + 1);
  }
  for (const std::string& word : flag.words) Offer(completion, word, "");
  completion.kind = flag.kind;
  return completion;
}

// First words of commands, each once, or second words after `first`.
void OfferCommands(const ProgramSpec& program, const std::string& first,
                   Completion& completion) {
  std::string last;
  for (const CommandSpec& command : program.commands) {
    std::string word = command.name;
    std::string help = command.summary;
    if (!first.empty()) {
      if (!absl::StartsWith(word, absl::StrCat(first, " "))) continue;
      word = word.substr(first.size() + 1);
    } else if (const size_t space = word.find(' '); space != word.npos) {
      word.resize(space);
      help = "";
    }
    if (std::exchange(last, word) != word) Offer(completion, word, help);
  }
}

constexpr char kBash[] = R"(# bash completion for PROGRAM
_PROGRAM() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :files ]]; then
            compopt -o default
        else
            COMPREPLY+=("${line%%$'\t'*}")
        fi
    done < <(command PROGRAM __complete bash \
        "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
)";

constexpr char kZsh[] = R"(#compdef PROGRAM
# zsh completion for PROGRAM
_PROGRAM() {
    local line
    local -a found
    for line in "${(@f)$(command PROGRAM __complete zsh \
        "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :files ]]; then
            _files
        elif [[ -n $line ]]; then
            found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        fi
    done
    _describe PROGRAM found
}
compdef _PROGRAM PROGRAM
# Loaded by the first completion, this is to answer that one too.
[[ ${funcstack[1]} != _PROGRAM ]] || _PROGRAM
)";

constexpr char kFish[] = R"(# fish completion for PROGRAM
function __PROGRAM_complete
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    for line in (command PROGRAM __complete fish $words 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
)";

}  // namespace

Completion Complete(const ProgramSpec& program,
                    const std::vector<std::string>& words) {
  const Place place(program, words);
  const std::string& typed = words.back();
  if (place.awaited() != nullptr) return ValuesOf(*place.awaited(), "", typed);
  if (absl::StartsWith(typed, "--") && !place.only_arguments()) {
    if (const size_t equals = typed.find('='); equals != typed.npos) {
      const FlagSpec* const flag = place.FindFlag(typed.substr(2, equals - 2));
      if (flag == nullptr || flag->value.empty()) return {};
      return ValuesOf(*flag, typed.substr(0, equals + 1),
                      typed.substr(equals + 1));
    }
  }
  Completion completion{.typed = typed};
  if (absl::StartsWith(typed, "-") && !place.only_arguments()) {
    OfferFlags(program, place.command(), completion);
    return completion;
  }
  const bool second = !place.first_word().empty() && place.arguments() == 0 &&
                      !place.only_arguments() &&
                      (place.command() == nullptr ||
                       place.command()->name == place.first_word());
  if (place.first_word().empty() || second) {
    OfferCommands(program, place.first_word(), completion);
  }
  const CommandSpec* const command = place.command();
  if (command != nullptr && place.arguments() < command->max_arguments) {
    if (place.arguments() == 0) {
      for (const std::string& word : command->words) {
        Offer(completion, word, "");
      }
    }
    completion.kind = command->kind;
  }
  return completion;
}

std::vector<std::string> JoinBashWords(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  bool open = false;  // the word before goes on
  for (const std::string& word : words) {
    const bool is_break = word == "=" || word == ":";
    if (!joined.empty() && (is_break || open)) {
      joined.back() += word;
    } else {
      joined.push_back(word);
    }
    open = is_break;
  }
  return joined;
}

std::string AsBashCompletes(const std::string& candidate,
                            const std::vector<std::string>& words) {
  const std::string last =
      words.back() == "=" || words.back() == ":" ? "" : words.back();
  const std::vector<std::string> joined = JoinBashWords(words);
  return candidate.substr(
      std::min(candidate.size(), joined.back().size() - last.size()));
}

absl::StatusOr<std::string> CompletionScript(const std::string& shell,
                                             const std::string& program) {
  const std::vector<std::pair<std::string, const char*>> scripts = {
      {"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  std::vector<std::string> known;
  for (const auto& [name, script] : scripts) {
    if (name == shell) {
      return absl::StrReplaceAll(script, {{"PROGRAM", program}});
    }
    known.push_back(name);
  }
  const std::string meant = ClosestWord(shell, known);
  return absl::InvalidArgumentError(
      absl::StrCat("completion ", shell, ": no such shell; ",
                   meant.empty() ? absl::StrJoin(known, ", ")
                                 : absl::StrCat("did you mean ", meant, "?")));
}

}  // namespace rehai::cli
