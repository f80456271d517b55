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

TEST(SweepTest, PrintsOneLineWithOneSearchForAThousandNodesAndAGetForEach) {
  const auto result =
      lab::RunProgram({.argv = {"tests/bench/sweep", "--target=standin",
                                "--nodes=5,1001", "--rounds=1"}});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  ASSERT_EQ(line["standin"].size(), 2u);
  EXPECT_EQ(line["standin"][0]["search"]["requests"], 1);
  EXPECT_EQ(line["standin"][0]["gets"]["requests"], 5);
  EXPECT_EQ(line["standin"][1]["search"]["requests"], 2);
  EXPECT_EQ(line["standin"][1]["gets"]["requests"], 1001);
  EXPECT_GT(line["standin"][1]["gets_over_search"]["body_bytes"], 1);
}

}  // namespace
}  // namespace rehai::bench
