// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// That the benchmark works, not what it measures.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<lab::RunResult> Fairness(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "tests/bench/fairness");
  return lab::RunProgram({.argv = std::move(flags)});
}

TEST(FairnessTest, PrintsOneLineOfChangesQuietAndBusy) {
  const auto result = Fairness({"--nodes=20", "--changes=5"});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);
  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["quiet_ms"]["count"], 5);
  EXPECT_EQ(line["busy_ms"]["count"], 5);
  EXPECT_GT(line["p99_ratio"], 0);
  // The changes have put some of them right already.
  EXPECT_GE(line["rewrite"]["outcomes"]["HOST_OUTCOME_WRITTEN"], 15);
}

TEST(FairnessTest, SaysWhyItCannotMeasureAndPrintsNoLine) {
  const auto result = Fairness({"--target=elsewhere"});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->exit_status, 1);
  EXPECT_THAT(result->output, IsEmpty());
  EXPECT_THAT(result->error, HasSubstr("elsewhere"));
}

}  // namespace
}  // namespace rehai::bench
