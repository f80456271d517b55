// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ProgramSpec& Program() {
  static const auto* const program = new ProgramSpec{
      .name = "prog",
      .flags = {{.name = "output", .value = "FORMAT", .letter = 'o'},
                {.name = "server", .value = "ADDRESS"}},
      .commands = {
          {.name = "list",
           .flags = {{.name = "label", .value = "K=V", .repeated = true},
                     {.name = "long"}}},
          {.name = "show",
           .arguments = "NAME",
           .min_arguments = 1,
           .max_arguments = 1},
          {.name = "run", .arguments = "[HOST...]", .max_arguments = 100},
          {.name = "run stop",
           .arguments = "ID",
           .min_arguments = 1,
           .max_arguments = 1}}};
  return *program;
}

absl::StatusOr<Invocation> Parse(const std::vector<std::string>& words) {
  return ParseCommandLine(Program(), words);
}

TEST(CommandLineTest, FlagsStandAnywhereAndInEveryForm) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"list", "-o", "json", "--label", "a=b", "--label=c=d", "--long"},
           {"-ojson", "list", "--long", "--label=a=b", "--label", "c=d"},
           {"--output=json", "--long", "--label=a=b", "--label=c=d", "list"},
           {"-o=json", "--label=a=b", "list", "--label=c=d", "--long"},
       }) {
    const auto invocation = Parse(words);
    ASSERT_THAT(invocation, IsOk());
    EXPECT_EQ(invocation->command, "list");
    EXPECT_EQ(invocation->Get("output"), "json");
    EXPECT_THAT(invocation->All("label"), ElementsAre("a=b", "c=d"));
    EXPECT_TRUE(invocation->Has("long"));
    EXPECT_FALSE(invocation->Has("server"));
    EXPECT_EQ(invocation->Get("server", "here"), "here");
    EXPECT_THAT(invocation->arguments, IsEmpty());
  }
}

TEST(CommandLineTest, TheLongerCommandWins) {
  EXPECT_EQ(Parse({"run"})->command, "run");
  EXPECT_EQ(Parse({"run", "stop", "7"})->command, "run stop");
  EXPECT_THAT(Parse({"run", "stop", "7"})->arguments, ElementsAre("7"));
  EXPECT_EQ(Parse({"run", "-o", "json", "stop", "7"})->command, "run stop");
  EXPECT_EQ(Parse({"run", "hv1", "stop"})->command, "run");
  EXPECT_THAT(Parse({"run", "hv1", "stop"})->arguments,
              ElementsAre("hv1", "stop"));
}

TEST(CommandLineTest, WhatFollowsADoubleDashIsAnArgument) {
  const auto invocation = Parse({"run", "--", "stop", "--help"});
  ASSERT_THAT(invocation, IsOk());
  EXPECT_EQ(invocation->command, "run");
  EXPECT_THAT(invocation->arguments, ElementsAre("stop", "--help"));
  EXPECT_FALSE(invocation->help);
}

TEST(CommandLineTest, HelpIsAskedForAnywhere) {
  EXPECT_TRUE(Parse({"--help"})->help);
  EXPECT_TRUE(Parse({"-h"})->help);
  EXPECT_EQ(Parse({"--help"})->command, "");
  const auto of_command = Parse({"show", "--help"});  // its NAME may be missing
  ASSERT_THAT(of_command, IsOk());
  EXPECT_TRUE(of_command->help);
  EXPECT_EQ(of_command->command, "show");
}

TEST(CommandLineTest, NoWordsAreNoCommand) {
  ASSERT_THAT(Parse({}), IsOk());
  EXPECT_EQ(Parse({})->command, "");
}

TEST(CommandLineTest, ErrorsSayWhatMayHaveBeenMeant) {
  const struct {
    std::vector<std::string> words;
    const char* message;
  } cases[] = {
      {{"lst"}, "command lst: unknown; did you mean list?"},
      {{"frobnicate"}, "command frobnicate: unknown; prog --help lists"},
      {{"list", "--lable", "x"},
       "flag --lable: unknown; did you mean --label?"},
      {{"list", "--zzzzzz"}, "flag --zzzzzz: unknown; prog list --help lists"},
      {{"--lable", "x"}, "flag --lable: unknown"},
      {{"list", "-x"}, "flag -x: unknown"},
      {{"show", "web", "--label", "a=b"}, "flag --label: not one of show"},
      {{"list", "-o"}, "flag --output: its value is missing"},
      {{"list", "--long=yes"}, "flag --long: takes no value"},
      {{"list", "-ojson", "-oyaml"}, "flag --output: given twice"},
      {{"show"}, "show: an argument is missing; write: prog show NAME"},
      {{"show", "a", "b"}, "show: \"b\" is one argument too many"},
      {{"list", "a"}, "list: \"a\" is one argument too many"},
      {{"run", "stop"}, "run stop: an argument is missing"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Parse(c.words), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace rehai::cli
