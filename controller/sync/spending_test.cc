// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/spending.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace rehai {
namespace {

constexpr absl::Duration kNow = absl::Seconds(100);

// Ten a second, forty saved up, ten expected of each write.
Spending Sample(double share_of_new = 0) {
  return Spending(10, 40, {.price = 10, .share_of_new = share_of_new}, kNow);
}

TEST(SpendingTest, LetsTheBurstGoThenTheRate) {
  Spending spending = Sample();
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(spending.Wait(kNow), absl::ZeroDuration());
    spending.Begin(kNow);
  }
  EXPECT_EQ(spending.Wait(kNow), absl::Seconds(1));
  EXPECT_EQ(spending.Wait(kNow + absl::Seconds(1)), absl::ZeroDuration());
}

TEST(SpendingTest, SettlesWhatAWriteDidCost) {
  Spending spending = Sample();
  for (int i = 0; i < 4; ++i) spending.Begin(kNow);
  spending.End(/*price=*/0, kNow);
  EXPECT_EQ(spending.Wait(kNow), absl::ZeroDuration());
  spending.End(/*price=*/60, kNow);
  // 40 in debt, and ten to begin with.
  EXPECT_EQ(spending.Wait(kNow), absl::Seconds(5));
}

TEST(SpendingTest, WhatIsGivenBackDoesNotGrowTheBurst) {
  Spending spending = Sample();
  spending.Begin(kNow);
  spending.End(0, kNow + absl::Minutes(1));
  for (int i = 0; i < 4; ++i) spending.Begin(kNow + absl::Minutes(1));
  EXPECT_GT(spending.Wait(kNow + absl::Minutes(1)), absl::ZeroDuration());
}

TEST(SpendingTest, AWriteDearerThanABurstWaitsForAFullBucketAndGoes) {
  Spending spending(10, 40, {.price = 100, .share_of_new = 0}, kNow);
  ASSERT_EQ(spending.Wait(kNow), absl::ZeroDuration());
  spending.Begin(kNow);
  spending.End(100, kNow);
  EXPECT_EQ(spending.Wait(kNow), absl::Seconds(10));
  EXPECT_EQ(spending.Wait(kNow + absl::Seconds(10)), absl::ZeroDuration());
}

TEST(SpendingTest, ExpectsWhatTheLastOnesCost) {
  Spending spending = Sample(/*share_of_new=*/0.5);
  for (int i = 0; i < 20; ++i) {
    spending.Begin(kNow);
    spending.End(30, kNow + absl::Minutes(i));
  }
  // 30 of the 40 go, and the next would need 30 too.
  const absl::Duration later = kNow + absl::Hours(1);
  spending.Begin(later);
  EXPECT_GT(spending.Wait(later), absl::Milliseconds(1900));
  EXPECT_LE(spending.Wait(later), absl::Seconds(2));
}

TEST(SpendingTest, AdvancesOfDifferentSizesAreAllSettled) {
  Spending spending = Sample(/*share_of_new=*/0.5);
  spending.Begin(kNow);
  spending.Begin(kNow);
  spending.End(2, kNow);  // 6 are expected now
  spending.Begin(kNow);
  spending.End(2, kNow);
  spending.End(2, kNow);
  // 6 of 40 are spent, and 3 are expected of each: 11 go at once.
  int begun = 0;
  while (spending.Wait(kNow) == absl::ZeroDuration()) {
    spending.Begin(kNow);
    ++begun;
  }
  EXPECT_EQ(begun, 11);
}

TEST(SpendingTest, ANewRateHoldsFromNowOn) {
  Spending spending = Sample();
  for (int i = 0; i < 4; ++i) spending.Begin(kNow);
  spending.SetRate(1, 5, kNow);
  // Five are a whole burst now.
  EXPECT_EQ(spending.Wait(kNow), absl::Seconds(5));
  spending.Charge(1, kNow);
  EXPECT_EQ(spending.Wait(kNow), absl::Seconds(6));
}

}  // namespace
}  // namespace rehai
