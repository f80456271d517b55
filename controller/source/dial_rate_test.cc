// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/dial_rate.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

// Dials that may begin at `now`.
int TakeAll(DialRate& rate, absl::Duration now) {
  int taken = 0;
  while (rate.NextAt() <= now) {
    rate.Take(now);
    ++taken;
  }
  return taken;
}

TEST(DialRateTest, AThousandAtOnceGoAtTheRateAfterTheBurst) {
  DialRate rate(/*per_second=*/50);
  absl::Duration now = absl::Seconds(1000);
  int dialed = TakeAll(rate, now);
  EXPECT_NEAR(dialed, 50, 1);
  for (int second = 0; second < 10; ++second) {
    now += absl::Seconds(1);
    const int more = TakeAll(rate, now);
    EXPECT_EQ(more, 50);
    dialed += more;
  }
}

TEST(DialRateTest, TheNextDialWaitsItsTurnOnly) {
  DialRate rate(/*per_second=*/4);
  const absl::Duration now = absl::Seconds(1000);
  TakeAll(rate, now);
  EXPECT_EQ(rate.NextAt(), now + absl::Milliseconds(250));
}

TEST(DialRateTest, AQuietDaySavesUpNoMoreThanTheBurst) {
  DialRate rate(/*per_second=*/10);
  absl::Duration now = absl::Seconds(1000);
  TakeAll(rate, now);
  now += absl::Hours(24);
  EXPECT_NEAR(TakeAll(rate, now), 10, 1);
}

TEST(DialRateTest, LessThanOnePerSecondStillGoes) {
  DialRate rate(/*per_second=*/0.1);
  const absl::Duration now = absl::Seconds(1000);
  EXPECT_EQ(TakeAll(rate, now), 1);
  EXPECT_EQ(rate.NextAt(), now + absl::Seconds(9));
}

}  // namespace
}  // namespace rehai
