// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/quantile.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace rehai::cli {
namespace {

v1::Histogram MakeHistogram(const std::vector<double>& bounds,
                            const std::vector<int64_t>& counts, int64_t count) {
  v1::Histogram histogram;
  for (const double bound : bounds) histogram.add_bounds(bound);
  for (const int64_t up_to : counts) histogram.add_cumulative_counts(up_to);
  histogram.set_count(count);
  return histogram;
}

TEST(QuantileTest, NothingCountedHasNone) {
  EXPECT_EQ(Quantile(v1::Histogram(), 0.5), std::nullopt);
  EXPECT_EQ(Quantile(MakeHistogram({1}, {0}, 0), 0.5), std::nullopt);
}

TEST(QuantileTest, IsInterpolatedWithinItsBucket) {
  const v1::Histogram histogram = MakeHistogram({1, 2, 4}, {10, 20, 100}, 100);
  EXPECT_EQ(Quantile(histogram, 0.05), absl::Milliseconds(500));
  EXPECT_EQ(Quantile(histogram, 0.1), absl::Seconds(1));
  EXPECT_EQ(Quantile(histogram, 0.15), absl::Milliseconds(1500));
  EXPECT_EQ(Quantile(histogram, 0.6), absl::Seconds(3));
  EXPECT_EQ(Quantile(histogram, 1), absl::Seconds(4));
}

TEST(QuantileTest, EmptyBucketsArePassedOver) {
  const v1::Histogram histogram = MakeHistogram({1, 2, 4}, {0, 0, 10}, 10);
  EXPECT_EQ(Quantile(histogram, 0), absl::Seconds(2));
  EXPECT_EQ(Quantile(histogram, 0.5), absl::Seconds(3));
}

TEST(QuantileTest, AboveTheLastBoundThereIsNoSaying) {
  const v1::Histogram histogram = MakeHistogram({1}, {98}, 100);
  EXPECT_EQ(Quantile(histogram, 0.99), absl::InfiniteDuration());
  EXPECT_EQ(Quantile(MakeHistogram({}, {}, 3), 0.5), absl::InfiniteDuration());
}

// A newer or a broken controller's: as many buckets as both lists have.
TEST(QuantileTest, ListsThatDoNotFitAreNotReadBeyondTheirEnds) {
  EXPECT_EQ(Quantile(MakeHistogram({1, 2, 4}, {10}, 20), 0.99),
            absl::InfiniteDuration());
}

}  // namespace
}  // namespace rehai::cli
