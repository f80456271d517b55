// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/most_within.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/time/time.h"

namespace rehai::bench {
namespace {

std::vector<absl::Duration> At(const std::vector<double>& seconds) {
  std::vector<absl::Duration> times;
  for (const double second : seconds) times.push_back(absl::Seconds(second));
  return times;
}

TEST(MostWithinTest, NothingIsNoBurst) {
  EXPECT_EQ(MostWithin({}, absl::Seconds(1)), 0u);
}

TEST(MostWithinTest, ABurstAcrossTheEndOfASecondCountsWhole) {
  EXPECT_EQ(MostWithin(At({0.1, 0.8, 0.9, 1.1, 1.2, 3}), absl::Seconds(1)), 4u);
}

TEST(MostWithinTest, WhatIsAWholeSpanApartIsNotTogether) {
  EXPECT_EQ(MostWithin(At({0, 1, 2}), absl::Seconds(1)), 1u);
}

TEST(MostWithinTest, TimesNeedNotBeInOrder) {
  EXPECT_EQ(MostWithin(At({5, 0.2, 5.1, 0.1, 5.2}), absl::Seconds(1)), 3u);
}

}  // namespace
}  // namespace rehai::bench
