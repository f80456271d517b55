// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/latency_baseline.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/time/time.h"

namespace rehai {
namespace {

constexpr absl::Duration kQuick = absl::Milliseconds(40);

class LatencyBaselineTest : public testing::Test {
 protected:
  // A window of answers that ends ten seconds later.
  std::optional<absl::Duration> Window(absl::Duration latency,
                                       bool measured = false) {
    for (int i = 0; i < LatencyBaseline::kSmallestWindow; ++i) {
      baseline_.Add(latency);
    }
    now_ += absl::Seconds(10);
    return baseline_.EndWindow(measured, now_);
  }

  absl::Duration now_ = absl::Seconds(1000);
  LatencyBaseline baseline_;
};

TEST_F(LatencyBaselineTest, TheBestIsTheLowestMeanOfAWindow) {
  EXPECT_EQ(Window(2 * kQuick), 2 * kQuick);
  EXPECT_EQ(Window(kQuick), kQuick);
  EXPECT_EQ(Window(3 * kQuick), 3 * kQuick);
  EXPECT_EQ(baseline_.best(), kQuick);
}

TEST_F(LatencyBaselineTest, TooFewAnswersCountForTheNextWindow) {
  baseline_.Add(kQuick);
  baseline_.Add(kQuick);
  EXPECT_EQ(baseline_.EndWindow(false, now_), std::nullopt);
  EXPECT_EQ(baseline_.best(), absl::ZeroDuration());
  baseline_.Add(3 * kQuick);
  baseline_.Add(3 * kQuick);
  EXPECT_EQ(baseline_.EndWindow(false, now_), 2 * kQuick);
}

TEST_F(LatencyBaselineTest, ABestThatIsNotMetGoesStaleUntilMeasuredAnew) {
  Window(kQuick);
  for (int i = 0; i < 29; ++i) Window(2 * kQuick);
  EXPECT_FALSE(baseline_.IsStale());
  Window(2 * kQuick);
  EXPECT_TRUE(baseline_.IsStale());
  Window(3 * kQuick, /*measured=*/true);
  EXPECT_FALSE(baseline_.IsStale());
  EXPECT_EQ(baseline_.best(), 3 * kQuick);
}

TEST_F(LatencyBaselineTest, ABestThatIsNearlyMetDoesNotGoStale) {
  Window(kQuick);
  for (int i = 0; i < 1000; ++i) Window(1.2 * kQuick);
  EXPECT_FALSE(baseline_.IsStale());
  EXPECT_EQ(baseline_.best(), kQuick);
}

TEST_F(LatencyBaselineTest, APauseDoesNotMakeItStale) {
  Window(kQuick);
  now_ += absl::Hours(10);
  Window(5 * kQuick);
  EXPECT_FALSE(baseline_.IsStale());
}

TEST_F(LatencyBaselineTest, TheUsualFollowsTheLastAnswers) {
  Window(kQuick);
  EXPECT_EQ(baseline_.usual(), kQuick);
  for (int i = 0; i < 20; ++i) Window(4 * kQuick);
  EXPECT_GT(baseline_.usual(), 3.9 * kQuick);
}

}  // namespace
}  // namespace rehai
