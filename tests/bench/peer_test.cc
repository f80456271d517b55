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

TEST(PeerTest, PrintsOneLineWithAReadAndAWriteOfTheSameNodeByEachWay) {
  const auto result = lab::RunProgram(
      {.argv = {"tests/bench/peer", "--rounds=1", "--guests=2"}}, "",
      absl::Minutes(2));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["inputs"]["guests"], 2);
  for (const char* way : {"peer", "process", "controller"}) {
    SCOPED_TRACE(way);
    EXPECT_EQ(line[way]["requests"], 2);
    EXPECT_GT(line[way]["body_bytes_sent"], 10'000);
    EXPECT_GT(line[way]["seconds"], 0);
  }
  EXPECT_GT(line["peer_over_controller"]["cpu_seconds"], 0);
}

}  // namespace
}  // namespace rehai::bench
