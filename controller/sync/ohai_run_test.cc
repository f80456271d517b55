// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/ohai_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const HostId kHost{"hv1"};
const absl::Time kAskedAt = absl::FromUnixMillis(1'795'000'000'250);

v1::OhaiResult Whole(const std::string& json) {
  v1::OhaiResult result;
  result.set_json(json);
  result.set_whole(true);
  return result;
}

absl::StatusOr<OhaiRun> Read(const v1::OhaiResult& result,
                             bool with_ohai_time = false) {
  return ReadOhaiResult(kHost, result, kAskedAt, with_ohai_time);
}

TEST(OhaiRunTest, EachKeyIsATreeAndTheTimeIsOhais) {
  const auto run =
      Read(Whole(R"({"uptime_seconds": 7, "ohai_time": 1795527759.2440631})"));
  ASSERT_THAT(run, IsOk());
  ASSERT_EQ(run->output.subtrees.size(), 1u)
      << "ohai_time is not to be written";
  EXPECT_EQ(run->output.subtrees[0].json, "7");
  EXPECT_EQ(run->time, "1795527759.2440631");
  EXPECT_EQ(run->bytes(), 1u);
}

TEST(OhaiRunTest, OhaiTimeIsWrittenIfThatIsWantedAndEveryPluginRan) {
  v1::OhaiResult result = Whole(R"({"ohai_time":1795527759.5})");
  auto run = Read(result, /*with_ohai_time=*/true);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->output.subtrees.size(), 1u);
  result.set_whole(false);
  run = Read(result, /*with_ohai_time=*/true);
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->output.subtrees.size(), 0u);
  EXPECT_EQ(run->time, "1795527759.5");
}

TEST(OhaiRunTest, WithoutOhaiTimeItWasFoundWhenItWasAskedFor) {
  for (const char* json : {R"({"cpu":{}})", R"({"ohai_time":"soon"})"}) {
    const auto run = Read(Whole(json));
    ASSERT_THAT(run, IsOk()) << json;
    EXPECT_EQ(run->time, "1795000000.250000") << json;
  }
}

TEST(OhaiRunTest, WhatTheAgentSaysOfAFailureIsPassedOn) {
  v1::OhaiResult result;
  result.set_error("ohai: exited with 1; run it by hand");
  EXPECT_THAT(Read(result),
              StatusIs(absl::StatusCode::kUnavailable, result.error()));
}

TEST(OhaiRunTest, OutputThatIsNoneSaysOfWhichHost) {
  for (const char* json : {"", "[]", "{", R"({"a":1,"a":2})"}) {
    EXPECT_THAT(Read(Whole(json)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("hv1")))
        << json;
  }
}

TEST(OhaiRunTest, OutputThatIsTooLargeIsNotRead) {
  const std::string frame = R"({"a":""})";
  EXPECT_THAT(
      Read(Whole(R"({"a":")" + std::string(kMaxOhaiBytes - frame.size(), 'x') +
                 R"("})")),
      IsOk());
  EXPECT_THAT(
      Read(Whole(R"({"a":")" +
                 std::string(kMaxOhaiBytes - frame.size() + 1, 'x') + R"("})")),
      StatusIs(absl::StatusCode::kResourceExhausted,
               AllOf(HasSubstr("hv1"), HasSubstr("fewer plugins"))));
}

}  // namespace
}  // namespace rehai
