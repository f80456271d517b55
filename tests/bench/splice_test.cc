// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

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

absl::StatusOr<lab::RunResult> Splice(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "tests/bench/splice");
  return lab::RunProgram({.argv = std::move(flags)});
}

TEST(SpliceTest, PrintsOneLineWithEveryWay) {
  const auto result =
      Splice({"--rounds=1", "--round_ms=1", "--node_bytes=20000"});
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->exit_status, 0) << result->error;
  ASSERT_EQ(result->output.find('\n'), result->output.size() - 1);
  const auto line = nlohmann::json::parse(result->output);
  EXPECT_NEAR(line["inputs"]["node_bytes"], 20000, 500);
  for (const char* const way :
       {"splice", "splice_and_checks_of_a_write", "parse_modify_dump"}) {
    EXPECT_GT(line["megabytes_per_cpu_second"][way], 0) << way;
  }
}

TEST(SpliceTest, SaysWhyItCannotMeasureAndPrintsNoLine) {
  const auto result = Splice({"--rounds=0"});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->exit_status, 1);
  EXPECT_THAT(result->output, IsEmpty());
  EXPECT_THAT(result->error, HasSubstr("--rounds"));
}

}  // namespace
}  // namespace rehai::bench
