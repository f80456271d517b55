// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/operation_progress.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

constexpr absl::Duration kStart = absl::Seconds(100);

TEST(DoneRateTest, IsOfAllAtFirst) {
  DoneRate rate(kStart);
  EXPECT_EQ(rate.PerSecond(kStart), 0);
  rate.NoteDone(kStart);
  EXPECT_EQ(rate.PerSecond(kStart), 0);  // no time has passed
  rate.NoteDone(kStart + absl::Seconds(1));
  EXPECT_EQ(rate.PerSecond(kStart + absl::Seconds(1)), 2);
  EXPECT_EQ(rate.PerSecond(kStart + absl::Seconds(4)), 0.5);
}

TEST(DoneRateTest, IsThenOfTheLastOnly) {
  DoneRate rate(kStart);
  absl::Duration now = kStart + absl::Hours(1);
  for (size_t i = 0; i <= DoneRate::kWindow; ++i) {
    now += absl::Milliseconds(100);
    rate.NoteDone(now);
  }
  EXPECT_DOUBLE_EQ(rate.PerSecond(now), 10);
}

TEST(DoneRateTest, BeginsAnew) {
  DoneRate rate(kStart);
  rate.NoteDone(kStart + absl::Seconds(1));
  rate.Restart(kStart + absl::Hours(1));
  EXPECT_EQ(rate.PerSecond(kStart + absl::Hours(2)), 0);
}

v1::Operation Running() {
  v1::Operation operation;
  operation.set_state(v1::OPERATION_STATE_RUNNING);
  operation.mutable_started_at()->set_seconds(1000);
  operation.set_total(10);
  operation.set_done(4);
  return operation;
}

v1::ResyncProgress FromText(const char* text) {
  v1::ResyncProgress progress;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &progress));
  return progress;
}

TEST(ProgressOfTest, CountsAndForeseesTheEnd) {
  OutcomeCounts outcomes = {};
  outcomes[v1::HOST_OUTCOME_WRITTEN] = 3;
  outcomes[v1::HOST_OUTCOME_UNREACHABLE] = 1;
  EXPECT_THAT(ProgressOf(Running(), 2, outcomes, 0.5),
              EqualsProto(FromText(R"pb(
                waiting: 4
                under_way: 2
                done: 4
                outcomes { outcome: HOST_OUTCOME_WRITTEN hosts: 3 }
                outcomes { outcome: HOST_OUTCOME_UNREACHABLE hosts: 1 }
                hosts_per_second: 0.5
                remaining { seconds: 12 }
              )pb")));
}

TEST(ProgressOfTest, ForeseesNothingWithoutARateOrWhenPaused) {
  EXPECT_FALSE(ProgressOf(Running(), 2, {}, 0).has_remaining());
  v1::Operation paused = Running();
  paused.set_state(v1::OPERATION_STATE_PAUSED);
  EXPECT_FALSE(ProgressOf(paused, 2, {}, 0.5).has_remaining());
}

TEST(ProgressOfTest, TellsTheRateOfTheWholeInTheEnd) {
  v1::Operation ended = Running();
  ended.set_done(10);
  ended.set_state(v1::OPERATION_STATE_ENDED);
  ended.mutable_ended_at()->set_seconds(1005);
  const v1::ResyncProgress progress = ProgressOf(ended, 0, {}, 99);
  EXPECT_EQ(progress.hosts_per_second(), 2);
  EXPECT_EQ(progress.waiting(), 0);
  EXPECT_FALSE(progress.has_remaining());
}

}  // namespace
}  // namespace rehai
