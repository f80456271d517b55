// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/governor.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "base/fake_clock.h"

namespace rehai {
namespace {

void End(Governor& governor, int requests_sent) {
  governor.End({.requests = requests_sent}, Governor::Pressure::kNone);
}

TEST(GovernorTest, LetsTheBurstGoAtOnceThenTheRate) {
  FakeClock clock;
  Governor governor(
      {.requests_per_second = 10, .request_burst = 4, .max_in_flight = 100},
      clock);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(governor.Wait(), absl::ZeroDuration());
    governor.Begin();
  }
  // Two requests at ten a second.
  EXPECT_EQ(governor.Wait(), absl::Milliseconds(200));
  clock.Advance(absl::Milliseconds(200));
  EXPECT_EQ(governor.Wait(), absl::ZeroDuration());
}

TEST(GovernorTest, BoundsWritesInFlight) {
  FakeClock clock;
  Governor governor(
      {.requests_per_second = 10, .request_burst = 100, .max_in_flight = 2},
      clock);
  governor.Begin();
  governor.Begin();
  EXPECT_EQ(governor.Wait(), absl::InfiniteDuration());
  EXPECT_EQ(governor.in_flight(), 2);
  End(governor, 2);
  EXPECT_EQ(governor.Wait(), absl::ZeroDuration());
}

TEST(GovernorTest, RequestsNotSentAreGivenBack) {
  FakeClock clock;
  Governor governor(
      {.requests_per_second = 10, .request_burst = 2, .max_in_flight = 2},
      clock);
  governor.Begin();
  End(governor, 1);
  EXPECT_EQ(governor.Wait(), absl::Milliseconds(100));
}

TEST(GovernorTest, WhatIsGivenBackDoesNotGrowTheBurst) {
  FakeClock clock;
  Governor governor(
      {.requests_per_second = 10, .request_burst = 2, .max_in_flight = 2},
      clock);
  governor.Begin();
  clock.Advance(absl::Minutes(1));
  End(governor, 0);
  clock.Advance(absl::Minutes(1));
  governor.Begin();
  EXPECT_GT(governor.Wait(), absl::ZeroDuration());
}

TEST(GovernorTest, ABurstOfOneStillWrites) {
  FakeClock clock;
  Governor governor(
      {.requests_per_second = 1, .request_burst = 1, .max_in_flight = 1},
      clock);
  ASSERT_EQ(governor.Wait(), absl::ZeroDuration());
  governor.Begin();
  End(governor, 2);
  // One over, and one to begin with.
  EXPECT_EQ(governor.Wait(), absl::Seconds(2));
}

}  // namespace
}  // namespace rehai
