// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "cli/command_line.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;

TEST(UsageTest, HelpNamesEveryCommandAndExitStatus) {
  const std::string help = Help(Rehaictl(), nullptr);
  for (const CommandSpec& command : Rehaictl().commands) {
    EXPECT_THAT(help, HasSubstr(command.name + "  "));
    EXPECT_THAT(help, HasSubstr(command.summary));
  }
  for (const char* status : {"\n  0  ", "\n  1  ", "\n  5  "}) {
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

// Without the quotes that a shell takes away, up to a pipe.
std::vector<std::string> Words(const std::string& example) {
  std::vector<std::string> words;
  const std::vector<std::string> split = absl::StrSplit(example, ' ');
  for (std::string word : split) {
    if (word == "|") break;
    word.erase(std::remove(word.begin(), word.end(), '\''), word.end());
    words.push_back(word);
  }
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
