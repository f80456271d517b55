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
  const auto result = lab::RunProgram(
      {.argv = {"tests/bench/race", "--hosts=2", "--runs=2", "--windows=3",
                "--run_interval=3s", "--sweep_interval=1s"}},
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
  // Each host's last save at least: it is waited for. On a slow machine the
  // next run may come before the repair of one before.
  EXPECT_GE(line["stale"]["messages"]["repaired"], 2);
  for (const char* kind : {"sweep", "messages"}) {
    EXPECT_EQ(line["rolled_back"][kind]["saves"], 4) << kind;
  }
  EXPECT_LE(line["rolled_back"]["messages"]["left_standing"], 2)
      << "each host's last save is put back";
}

}  // namespace
}  // namespace rehai::bench
