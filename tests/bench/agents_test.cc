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

TEST(AgentsTest, PrintsOneLineWithAllThatItMeasures) {
  const auto result = lab::RunProgram(
      {.argv = {"tests/bench/agents", "--agents=12", "--guests=3",
                "--seconds=1", "--reports_per_second=20", "--real_guests=2"}},
      "", absl::Minutes(3));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["inputs"]["agents"], 12);
  EXPECT_GT(line["sync"]["seconds"], 0);
  EXPECT_EQ(line["sync"]["attempts"], 12);
  EXPECT_EQ(line["changes"]["made"], 20);
  EXPECT_EQ(line["changes"]["missing"], 0);
  EXPECT_EQ(line["changes"]["change_to_record_ms"]["count"], 20);
  EXPECT_EQ(line["storm"]["sessions"], 12);
  EXPECT_GE(line["storm"]["most_sessions_in_a_second"], 1);
  EXPECT_TRUE(line["memory_kib_per_agent"]["beside_its_record"].is_number());
  EXPECT_GT(line["real_agent"]["resident_kib"], 0);
  EXPECT_GT(line["echo"]["seconds"], 0);
}

}  // namespace
}  // namespace rehai::bench
