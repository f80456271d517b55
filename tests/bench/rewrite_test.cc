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

absl::StatusOr<lab::RunResult> Rewrite(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "tests/bench/rewrite");
  return lab::RunProgram({.argv = std::move(flags)});
}

TEST(RewriteTest, PrintsOneLineThatCountsEveryWrite) {
  const auto result = Rewrite(
      {"--target=standin", "--nodes=5", "--rounds=2", "--connections=3"});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["inputs"]["connections"], 3);
  EXPECT_GT(line["standin"]["ratio"], 0);
  for (const char* way : {"controller", "raw"}) {
    const auto& figures = line["standin"][way];
    EXPECT_EQ(figures["nodes_per_second_of_rounds"].size(), 2u);
    EXPECT_EQ(figures["write_ms"]["count"], 10);
    EXPECT_EQ(figures["requests"], 20);
    EXPECT_GT(figures["body_bytes_sent"], 10 * 10'000);
  }
}

TEST(RewriteTest, SaysWhyItCannotMeasureAndPrintsNoLine) {
  const auto result = Rewrite({"--target=elsewhere"});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->exit_status, 1);
  EXPECT_THAT(result->output, IsEmpty());
  EXPECT_THAT(result->error, HasSubstr("elsewhere"));
}

}  // namespace
}  // namespace rehai::bench
