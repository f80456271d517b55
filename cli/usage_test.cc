// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "cli/command_line.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;

// As if no line had been broken.
std::string OnOneLine(const std::string& text) {
  return absl::StrJoin(
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty()), " ");
}

TEST(UsageTest, HelpNamesEveryCommandAndExitStatus) {
  const std::string help = Help(Rehaictl(), nullptr);
  for (const CommandSpec& command : Rehaictl().commands) {
    EXPECT_THAT(help, HasSubstr(command.name + "  "));
    EXPECT_THAT(OnOneLine(help), HasSubstr(command.summary));
  }
  for (const char* status : {"\n  0  ", "\n  1  ", "\n  5  ", "\n  7  "}) {
    EXPECT_THAT(help, HasSubstr(status));
  }
}

TEST(UsageTest, HelpOfACommandNamesItsFlagsAndThoseOfAll) {
  for (const CommandSpec& command : Rehaictl().commands) {
    const std::string help = Help(Rehaictl(), &command);
    for (const auto& flags : {command.flags, Rehaictl().flags}) {
      for (const FlagSpec& flag : flags) {
        EXPECT_THAT(help, HasSubstr("--" + flag.name)) << command.name;
        EXPECT_FALSE(flag.help.empty()) << flag.name;
      }
    }
  }
}

// As a shell breaks the example into words, up to a pipe.
std::vector<std::string> Words(const std::string& example) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : example) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == '|' && !quoted) {
      break;
    } else if (c == ' ' && !quoted) {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  words.erase(words.begin());  // the program
  return words;
}

TEST(UsageTest, EveryExampleIsUnderstoodAsItsCommand) {
  for (const CommandSpec& command : Rehaictl().commands) {
    ASSERT_FALSE(command.examples.empty()) << command.name;
    for (const std::string& example : command.examples) {
      const auto invocation = ParseCommandLine(Rehaictl(), Words(example));
      ASSERT_THAT(invocation, IsOk()) << example;
      EXPECT_EQ(invocation->command, command.name) << example;
    }
  }
}

// The commands of the page's shell blocks.
std::vector<std::string> CommandsOfThePage(const std::string& page) {
  std::vector<std::string> commands;
  bool shell = false;
  const std::vector<std::string> lines = absl::StrSplit(page, '\n');
  for (const std::string& line : lines) {
    if (absl::StartsWith(line, "```")) {
      shell = line == "```sh";
    } else if (shell && absl::StartsWith(line, "rehaictl ")) {
      commands.push_back(line.substr(0, line.find(" > ")));
    }
  }
  return commands;
}

TEST(UsageTest, EveryCommandOfThePageIsUnderstoodAndEachIsOnIt) {
  const auto page = ReadFile("docs/cli.md");
  ASSERT_THAT(page, IsOk());
  std::set<std::string> told = {"completion"};  // below source <(...)
  for (const std::string& line : CommandsOfThePage(*page)) {
    const auto invocation = ParseCommandLine(Rehaictl(), Words(line));
    ASSERT_THAT(invocation, IsOk()) << line;
    told.insert(invocation->command);
  }
  for (const CommandSpec& command : Rehaictl().commands) {
    EXPECT_TRUE(told.contains(command.name)) << command.name;
  }
  for (const ExitStatusRow& row : ExitStatuses()) {
    EXPECT_THAT(*page, HasSubstr(absl::StrCat("\n| ", row.status, " | ")));
  }
}

TEST(UsageTest, ACommandOfTwoWordsIsGuessedFromBoth) {
  const struct {
    std::vector<std::string> words;
    const char* answer;
  } cases[] = {
      {{"chef", "stauts"}, "did you mean chef status?"},
      {{"cehf", "status"}, "did you mean chef status?"},
      {{"chef", "everything"}, "chef status, chef cost, chef limits"},
      {{"chef"}, "chef status, chef cost, chef limits"},
      {{"chef", "--help"}, "chef status, chef cost, chef limits"},
      {{"hsots", "hv1"}, "did you mean hosts?"},
      {{"nonsense", "hv1"}, "--help lists them all"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(
        ParseCommandLine(Rehaictl(), c.words),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.answer)))
        << c.words[0];
  }
}

// The parser may meet a flag before it knows the command.
TEST(UsageTest, FlagsOfOneNameAreReadAlike) {
  std::map<std::string, const FlagSpec*> known;
  for (const CommandSpec& command : Rehaictl().commands) {
    for (const FlagSpec& flag : command.flags) {
      const FlagSpec& first = *known.emplace(flag.name, &flag).first->second;
      EXPECT_EQ(flag.value.empty(), first.value.empty()) << flag.name;
      EXPECT_EQ(flag.letter, first.letter) << flag.name;
    }
  }
}

TEST(UsageTest, NoLetterHasTwoFlags) {
  std::map<char, std::string> known;
  const auto check = [&](const std::vector<FlagSpec>& flags) {
    for (const FlagSpec& flag : flags) {
      if (flag.letter == 0) continue;
      EXPECT_EQ(known.emplace(flag.letter, flag.name).first->second, flag.name);
    }
  };
  check(Rehaictl().flags);
  for (const CommandSpec& command : Rehaictl().commands) check(command.flags);
}

TEST(UsageTest, AnAliasIsItsCommand) {
  const auto invocation = ParseCommandLine(Rehaictl(), {"resync", "get", "x"});
  ASSERT_THAT(invocation, IsOk());
  EXPECT_EQ(invocation->command, "resync show");
  EXPECT_THAT(invocation->arguments, testing::ElementsAre("x"));
}

TEST(UsageTest, NoFlagHasTwoMeanings) {
  std::set<std::string> common;
  for (const FlagSpec& flag : Rehaictl().flags) {
    EXPECT_TRUE(common.insert(flag.name).second) << flag.name;
  }
  for (const CommandSpec& command : Rehaictl().commands) {
    for (const FlagSpec& flag : command.flags) {
      EXPECT_FALSE(common.contains(flag.name)) << flag.name;
    }
  }
}

TEST(UsageTest, ErrorsHaveExitStatusesOfTheirOwn) {
  EXPECT_EQ(ExitStatusFor(absl::OkStatus()), 0);
  EXPECT_EQ(ExitStatusFor(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitStatusFor(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitStatusFor(absl::DeadlineExceededError("")), 3);
  EXPECT_EQ(ExitStatusFor(absl::NotFoundError("")), 4);
  EXPECT_EQ(ExitStatusFor(absl::FailedPreconditionError("")), 5);
  EXPECT_EQ(ExitStatusFor(absl::InternalError("")), 5);
}

}  // namespace
}  // namespace rehai::cli
