// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::bench {
namespace {

TEST(QuietTest, AQuietFleetIsNotWrittenAndVolatileValuesOncePerInterval) {
  const auto result = lab::RunProgram(
      {.argv = {"tests/bench/quiet", "--hosts=20", "--guests=3",
                "--measured=20m", "--relist=2m", "--volatile_interval=10m"}});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_GE(line["without_volatile"]["readings"], 9 * 20);
  EXPECT_EQ(line["without_volatile"]["puts"], 0);
  EXPECT_EQ(line["without_volatile"]["gets"], 0);
  // Two intervals, whose moments may fall just outside.
  EXPECT_GE(line["with_volatile"]["puts"], 20);
  EXPECT_LE(line["with_volatile"]["puts"], 3 * 20);
}

}  // namespace
}  // namespace rehai::bench
