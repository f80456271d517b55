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

TEST(AgentOnceTest, PrintsOneLineWithTheRunsOfEachProgram) {
  const auto result = lab::RunProgram(
      {.argv = {"tests/bench/agent_once", "--rounds=1", "--guests=2"}}, "",
      absl::Minutes(2));
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["inputs"]["guests"], 2);
  for (const char* program : {"peer", "once"}) {
    SCOPED_TRACE(program);
    EXPECT_GT(line[program]["seconds"], 0);
    EXPECT_EQ(line[program]["seconds_of_each"].size(), 1u);
  }
  EXPECT_GT(line["peer_over_once"]["seconds"], 0);
  EXPECT_GT(line["peer_over_once"]["cpu_seconds"], 0);
}

}  // namespace
}  // namespace rehai::bench
