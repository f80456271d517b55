// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/rate_limiter.h"

#include <gtest/gtest.h>

#include "base/fake_clock.h"

namespace rehai {
namespace {

TEST(RateLimiterTest, BurstIsFreeThenDebtIsTheWait) {
  FakeClock clock;
  RateLimiter limiter(clock, /*per_second=*/2, /*burst=*/4);
  EXPECT_EQ(limiter.Reserve(4), absl::ZeroDuration());
  EXPECT_EQ(limiter.Reserve(1), absl::Milliseconds(500));
  EXPECT_EQ(limiter.Reserve(1), absl::Seconds(1));
}

TEST(RateLimiterTest, QuietTimeRefillsUpToTheBurst) {
  FakeClock clock;
  RateLimiter limiter(clock, /*per_second=*/2, /*burst=*/4);
  limiter.Reserve(4);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(limiter.Reserve(4), absl::ZeroDuration());
  EXPECT_EQ(limiter.Reserve(2), absl::Seconds(1));
}

TEST(RateLimiterTest, PeekTakesNothing) {
  FakeClock clock;
  RateLimiter limiter(clock, /*per_second=*/1, /*burst=*/1);
  EXPECT_EQ(limiter.Peek(), absl::ZeroDuration());
  EXPECT_EQ(limiter.Peek(), absl::ZeroDuration());
  limiter.Reserve();
  EXPECT_EQ(limiter.Peek(), absl::Seconds(1));
}

TEST(RateLimiterTest, AWallClockJumpGivesNothing) {
  FakeClock clock;
  RateLimiter limiter(clock, /*per_second=*/1, /*burst=*/1);
  limiter.Reserve();
  clock.JumpWall(absl::Hours(1));
  EXPECT_EQ(limiter.Reserve(), absl::Seconds(1));
}

}  // namespace
}  // namespace rehai
