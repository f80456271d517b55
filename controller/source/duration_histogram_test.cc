// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/duration_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace rehai {
namespace {

int64_t AtMost(const v1::Histogram& histogram, double seconds) {
  for (int i = 0; i < histogram.bounds_size(); ++i) {
    if (histogram.bounds(i) == seconds) return histogram.cumulative_counts(i);
  }
  ADD_FAILURE() << "no bound of " << seconds << " s";
  return -1;
}

TEST(DurationHistogramTest, CountsWhatIsAtMostEachBound) {
  DurationHistogram durations;
  durations.Add(absl::ZeroDuration());
  durations.Add(absl::Milliseconds(1));
  durations.Add(absl::Milliseconds(1) + absl::Nanoseconds(1));
  durations.Add(absl::Seconds(60));
  durations.Add(absl::Hours(1));

  const v1::Histogram histogram = durations.ToProto();
  EXPECT_EQ(AtMost(histogram, 0.001), 2);
  EXPECT_EQ(AtMost(histogram, 0.002), 3);
  EXPECT_EQ(AtMost(histogram, 30), 3);
  EXPECT_EQ(AtMost(histogram, 60), 4);
  EXPECT_EQ(histogram.count(), 5);
  EXPECT_DOUBLE_EQ(histogram.sum_seconds(), 3660.002000001);
}

TEST(DurationHistogramTest, AnEmptyOneHasItsBoundsAscending) {
  const v1::Histogram histogram = DurationHistogram().ToProto();
  EXPECT_EQ(histogram.count(), 0);
  ASSERT_EQ(histogram.bounds_size(), histogram.cumulative_counts_size());
  EXPECT_TRUE(
      std::is_sorted(histogram.bounds().begin(), histogram.bounds().end()));
  EXPECT_THAT(histogram.cumulative_counts(), testing::Each(0));
}

}  // namespace
}  // namespace rehai
