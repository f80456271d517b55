// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/latencies.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"

namespace rehai::bench {
namespace {

Latencies OneToMilliseconds(int last) {
  Latencies latencies;
  // Out of order: (7 * i) mod 101 meets each of 1..100 once.
  for (int i = 1; i <= 100; ++i) {
    const int value = 7 * i % 101;
    if (value <= last) latencies.Add(absl::Milliseconds(value));
  }
  return latencies;
}

TEST(LatenciesTest, PercentileIsTheNearestRank) {
  const Latencies latencies = OneToMilliseconds(100);
  ASSERT_EQ(latencies.count(), 100u);
  EXPECT_EQ(latencies.Percentile(0), absl::Milliseconds(1));
  EXPECT_EQ(latencies.Percentile(50), absl::Milliseconds(50));
  EXPECT_EQ(latencies.Percentile(99), absl::Milliseconds(99));
  EXPECT_EQ(latencies.Percentile(99.1), absl::Milliseconds(100));
  EXPECT_EQ(latencies.Percentile(100), absl::Milliseconds(100));
}

TEST(LatenciesTest, FewValuesHaveTheirLongestAtTheTop) {
  const Latencies latencies = OneToMilliseconds(3);
  ASSERT_EQ(latencies.count(), 3u);
  EXPECT_EQ(latencies.Percentile(50), absl::Milliseconds(2));
  EXPECT_EQ(latencies.Percentile(99), absl::Milliseconds(3));
}

TEST(LatenciesTest, NothingMeasuredIsZero) {
  EXPECT_EQ(Latencies().Percentile(50), absl::ZeroDuration());
  EXPECT_EQ(Latencies().ToJson()["count"], 0);
}

TEST(LatenciesTest, AddsAllOfAnother) {
  Latencies latencies = OneToMilliseconds(2);
  latencies.Add(OneToMilliseconds(3));
  EXPECT_EQ(latencies.count(), 5u);
  EXPECT_EQ(latencies.Percentile(100), absl::Milliseconds(3));
}

TEST(LatenciesTest, JsonIsInMilliseconds) {
  Latencies latencies;
  latencies.Add(absl::Microseconds(1234));
  latencies.Add(absl::Seconds(2));
  EXPECT_EQ(latencies.ToJson().dump(),
            R"({"count":2,"min":1.234,"p50":1.234,"p99":2000.0,"max":2000.0})");
}

TEST(MedianTest, IsTheMiddleOrTheMeanOfTheTwoMiddleOnes) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace rehai::bench
