// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/lab_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Verb = LabCommand::Verb;

const std::vector<std::string> kNames = {"kvm1.example.net", "sim1.example.net",
                                         "sim2.example.net",
                                         "sim10.example.net"};

TEST(LabCommandTest, EveryVerbIsUnderstood) {
  const std::vector<std::pair<std::string, Verb>> lines = {
      {"", Verb::kNothing},
      {" \t ", Verb::kNothing},
      {"help", Verb::kHelp},
      {"list", Verb::kList},
      {"kill sim1", Verb::kKill},
      {"hang sim1", Verb::kHang},
      {"resume sim1", Verb::kResume},
      {"slow sim1 200ms", Verb::kSlow},
      {"blackhole sim1", Verb::kBlackHole},
      {"cut sim1", Verb::kCut},
      {"wrongkey sim1", Verb::kWrongKey},
      {"refuse sim1", Verb::kRefuse},
      {"restart all", Verb::kRestart},
      {"heal all", Verb::kHeal},
      {"churn 20", Verb::kChurn},
      {"  quit\r", Verb::kQuit},
  };
  for (const auto& [line, verb] : lines) {
    const auto command = ParseLabCommand(line);
    ASSERT_THAT(command, IsOk()) << line;
    EXPECT_EQ(command->verb, verb) << line;
  }
}

TEST(LabCommandTest, ArgumentsAreTaken) {
  const auto slow = ParseLabCommand("slow  30%  1.5s");
  ASSERT_THAT(slow, IsOk());
  EXPECT_EQ(slow->hosts, "30%");
  EXPECT_EQ(slow->delay, absl::Milliseconds(1500));

  const auto churn = ParseLabCommand("churn 0.5");
  ASSERT_THAT(churn, IsOk());
  EXPECT_EQ(churn->changes_per_second, 0.5);
}

TEST(LabCommandTest, WhatIsWrongIsSaidWithHowItIsRight) {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"explode sim1", "\"explode\" is no command; try help"},
      {"kill", "write: kill HOSTS"},
      {"kill sim1 sim2", "too many words"},
      {"slow sim1", "write: slow HOSTS DELAY"},
      {"slow sim1 fast", "\"fast\" is no delay"},
      {"slow sim1 -1s", "no delay"},
      {"churn", "write: churn RATE"},
      {"churn much", "\"much\" is no rate"},
      {"churn -1", "no rate"},
      {"churn nan", "no rate"},
      {"churn inf", "no rate"},
      {"list all", "too many words"},
  };
  for (const auto& [line, complaint] : lines) {
    EXPECT_THAT(
        ParseLabCommand(line),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(complaint)))
        << line;
  }
}

TEST(LabCommandTest, HostsAreNamedByNameLabelPatternShareOrAll) {
  EXPECT_THAT(SelectHosts("sim1.example.net", kNames),
              IsOkAndHolds(ElementsAre(1)));
  EXPECT_THAT(SelectHosts("sim1", kNames), IsOkAndHolds(ElementsAre(1)));
  EXPECT_THAT(SelectHosts("sim1*", kNames), IsOkAndHolds(ElementsAre(1, 3)));
  EXPECT_THAT(SelectHosts("sim?", kNames), IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_THAT(SelectHosts("*", kNames), IsOkAndHolds(SizeIs(4)));
  EXPECT_THAT(SelectHosts("all", kNames), IsOkAndHolds(SizeIs(4)));
  EXPECT_THAT(SelectHosts("50%", kNames), IsOkAndHolds(ElementsAre(0, 1)));
  EXPECT_THAT(SelectHosts("1%", kNames), IsOkAndHolds(ElementsAre(0)));
  EXPECT_THAT(SelectHosts("100%", kNames), IsOkAndHolds(SizeIs(4)));
}

TEST(LabCommandTest, HostsThatAreNotThereAreAnError) {
  for (const char* hosts :
       {"sim3", "sim", "example.net", "0%", "101%", "-5%", "many%", "%", ""}) {
    EXPECT_THAT(SelectHosts(hosts, kNames),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << hosts;
  }
}

TEST(LabCommandTest, HelpTellsOfEveryCommand) {
  for (const char* word :
       {"list", "kill", "hang", "resume", "slow", "blackhole", "cut",
        "wrongkey", "refuse", "restart", "heal", "churn", "help", "quit"}) {
    EXPECT_THAT(LabCommandHelp(), HasSubstr(absl::StrCat("  ", word, " ")));
  }
}

}  // namespace
}  // namespace rehai::lab
