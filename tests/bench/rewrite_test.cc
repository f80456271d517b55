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

TEST(RewriteTest, PrintsOneLineThatCountsEveryWriteOfEachSizeAndFleet) {
  const auto result =
      Rewrite({"--target=standin", "--fleets=5,6", "--sizes=10240,20480",
               "--rounds=2", "--connections=3"});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);

  const auto line = nlohmann::json::parse(result->output);
  EXPECT_EQ(line["inputs"]["connections"], 3);
  const auto& cells = line["standin"];
  ASSERT_EQ(cells.size(), 4u);
  EXPECT_EQ(cells[0]["node_bytes"], 10240);
  EXPECT_EQ(cells[3]["node_bytes"], 20480);
  for (const auto& cell : cells) {
    EXPECT_GT(cell["ratio"], 0);
    const int writes = 2 * cell["nodes"].get<int>();
    for (const char* way : {"controller", "raw"}) {
      const auto& figures = cell[way];
      EXPECT_EQ(figures["nodes_per_second_of_rounds"].size(), 2u);
      EXPECT_EQ(figures["write_ms"]["count"], writes);
      EXPECT_EQ(figures["requests"], 2 * writes);
      EXPECT_GT(figures["body_bytes_sent"],
                writes * (cell["node_bytes"].get<int>() - 240));
    }
  }
}

TEST(RewriteTest, SaysWhyItCannotMeasureAndPrintsNoLine) {
  for (const char* const flag : {"--target=elsewhere", "--sizes=elsewhere"}) {
    const auto result = Rewrite({flag});
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->exit_status, 1);
    EXPECT_THAT(result->output, IsEmpty());
    EXPECT_THAT(result->error, HasSubstr("elsewhere"));
  }
}

}  // namespace
}  // namespace rehai::bench
