// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// That the benchmark works, not what it measures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::bench {
namespace {

TEST(RaceTest, PrintsOneLineWithEveryKindOfRace) {
  // Runs are so far apart that a slow machine repairs one before the next.
  const auto result = lab::RunProgram(
      {.argv = {"tests/bench/race", "--hosts=2", "--runs=2", "--windows=3",
                "--run_interval=8s", "--sweep_interval=1s"}},
      "", absl::Minutes(3));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["window"]["window_ms"]["count"], 3);
  EXPECT_GT(line["window"]["odds_per_write"]["p50"], 0);
  for (const char* kind : {"nothing", "sweep", "messages"}) {
    EXPECT_EQ(line["stale"][kind]["saves"], 4) << kind;
  }
  EXPECT_EQ(line["stale"]["nothing"]["repaired"], 0);
  EXPECT_EQ(line["stale"]["messages"]["repaired"], 4);
  for (const char* kind : {"sweep", "messages"}) {
    EXPECT_EQ(line["rolled_back"][kind]["saves"], 4) << kind;
  }
  EXPECT_EQ(line["rolled_back"]["messages"]["left_standing"], 0);
}

}  // namespace
}  // namespace rehai::bench
