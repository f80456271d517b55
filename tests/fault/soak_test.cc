// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A short soak: that it runs, that it does to the controller what it says, and
// that no promise breaks: 1, 2, 3 and 5.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::fault {
namespace {

TEST(SoakTest, NoPromiseBreaksWithinAShortSoak) {
  const auto result =
      lab::RunProgram({.argv = {"tests/fault/soak", "--minutes=0.5",
                                "--hosts=3", "--seed=1", "--kill_interval=8s",
                                "--run_interval=5s", "--edit_interval=1s"}},
                      "", absl::Minutes(4));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->output << result->error;
  const auto summary = nlohmann::json::parse(result->output);
  EXPECT_EQ(summary["breaks"], 0);
  EXPECT_GE(summary["kills"], 1);
  EXPECT_EQ(summary["kills"], summary["restarts"]);
  for (const char* kind : {"changes", "saves", "edits", "writes", "repairs"}) {
    EXPECT_GT(summary[kind], 0) << kind;
  }
  int faults = 0;
  for (const auto& [kind, count] : summary["faults"].items()) {
    faults += count.get<int>();
  }
  EXPECT_GT(faults, 5) << "of " << summary["requests"] << " requests";
}

TEST(SoakTest, SharesThatCannotBeAreRefused) {
  const auto result = lab::RunProgram(
      {.argv = {"tests/fault/soak", "--late=0.9", "--reset=0.9"}});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->exit_status, 2);
  EXPECT_THAT(result->error, testing::HasSubstr("--late"));
}

}  // namespace
}  // namespace rehai::fault
