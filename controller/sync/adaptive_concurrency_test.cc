// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/adaptive_concurrency.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/time/time.h"
#include "controller/sync/latency_baseline.h"

namespace rehai {
namespace {

using Kind = AdaptiveConcurrency::Kind;

constexpr absl::Duration kQuick = absl::Milliseconds(40);

class AdaptiveConcurrencyTest : public testing::Test {
 protected:
  // So many good answers, one every second.
  void Answer(int count, absl::Duration latency, Kind kind = Kind::kWrite) {
    for (int i = 0; i < count; ++i) {
      now_ += absl::Seconds(1);
      concurrency_.OnGoodAnswer(kind, latency, /*in_flight=*/0, now_);
    }
  }

  absl::Duration now_ = absl::Seconds(1000);
  AdaptiveConcurrency concurrency_{8};
};

TEST_F(AdaptiveConcurrencyTest, BeginsWithWhatIsAllowed) {
  EXPECT_EQ(concurrency_.limit(), 8);
  Answer(100, kQuick);
  EXPECT_EQ(concurrency_.limit(), 8);
}

TEST_F(AdaptiveConcurrencyTest, GrowsByOnePerWindow) {
  concurrency_.StartOver();
  EXPECT_EQ(concurrency_.limit(), 1);
  Answer(LatencyBaseline::kSmallestWindow - 1, kQuick);
  EXPECT_EQ(concurrency_.limit(), 1);
  Answer(1, kQuick);
  EXPECT_EQ(concurrency_.limit(), 2);
  Answer(4 + 4 + 4 + 5 + 6 + 7, kQuick);
  EXPECT_EQ(concurrency_.limit(), 8);
}

TEST_F(AdaptiveConcurrencyTest, HalvesOnOverloadDownToOne) {
  for (const int limit : {4, 2, 1, 1}) {
    concurrency_.OnOverload(/*in_flight=*/0);
    EXPECT_EQ(concurrency_.limit(), limit);
  }
}

TEST_F(AdaptiveConcurrencyTest, OneOverloadSeenByManyHalvesOnce) {
  for (int in_flight = 7; in_flight >= 0; --in_flight) {
    concurrency_.OnOverload(in_flight);
  }
  EXPECT_EQ(concurrency_.limit(), 4);
}

TEST_F(AdaptiveConcurrencyTest, AnswersThatSayNothingChangeNothing) {
  concurrency_.StartOver();
  for (int i = 0; i < 100; ++i) concurrency_.OnUnclearAnswer();
  EXPECT_EQ(concurrency_.limit(), 1);
  // But those from before a halving have ended with them.
  concurrency_.SetMax(1);
  concurrency_.SetMax(8);
  concurrency_.OnOverload(/*in_flight=*/1);
  EXPECT_EQ(concurrency_.limit(), 4);
  concurrency_.OnUnclearAnswer();
  concurrency_.OnOverload(/*in_flight=*/0);
  EXPECT_EQ(concurrency_.limit(), 2);
}

TEST_F(AdaptiveConcurrencyTest, HalvesWhenAnswersTakeSeveralTimesTheBest) {
  Answer(8, kQuick);
  Answer(8, 2 * kQuick);
  EXPECT_EQ(concurrency_.limit(), 8);
  Answer(8, 4 * kQuick);
  EXPECT_EQ(concurrency_.limit(), 4);
}

TEST_F(AdaptiveConcurrencyTest, WritesAreNotSlowBecauseChecksAreQuick) {
  Answer(80, kQuick, Kind::kCheck);
  Answer(80, 5 * kQuick, Kind::kWrite);
  for (int i = 0; i < 40; ++i) {
    Answer(1, kQuick, Kind::kCheck);
    Answer(1, 5 * kQuick, Kind::kWrite);
  }
  EXPECT_EQ(concurrency_.limit(), 8);
  // But each may be slow for its kind.
  Answer(16, 4 * kQuick, Kind::kCheck);
  EXPECT_LT(concurrency_.limit(), 8);
}

TEST_F(AdaptiveConcurrencyTest, AFewMillisecondsAreNeverSlow) {
  Answer(8, absl::Milliseconds(1));
  Answer(80, absl::Milliseconds(40));
  EXPECT_EQ(concurrency_.limit(), 8);
}

TEST_F(AdaptiveConcurrencyTest, AServerThatIsSlowerForGoodIsUsedFullyAgain) {
  Answer(100, kQuick);
  Answer(100, 10 * kQuick);
  EXPECT_LT(concurrency_.limit(), 8);
  // Measured anew after five minutes, and then one more per window.
  Answer(5 * 60, 10 * kQuick);
  EXPECT_EQ(concurrency_.best_latency(), 10 * kQuick);
  Answer(60, 10 * kQuick);
  EXPECT_EQ(concurrency_.limit(), 8);
}

TEST_F(AdaptiveConcurrencyTest, TheBestIsMeasuredWithOneAtATime) {
  Answer(8, kQuick);
  Answer(5 * 60 - 8, 2 * kQuick);
  EXPECT_EQ(concurrency_.limit(), 8);
  for (int i = 0; i < 16 && concurrency_.limit() == 8; ++i) {
    Answer(1, 2 * kQuick);
  }
  EXPECT_EQ(concurrency_.limit(), 1);
  Answer(LatencyBaseline::kSmallestWindow, kQuick);
  EXPECT_EQ(concurrency_.limit(), 8);
  EXPECT_EQ(concurrency_.best_latency(), kQuick);
}

TEST_F(AdaptiveConcurrencyTest, ABestThatIsMetIsNotMeasuredAnew) {
  for (int minute = 0; minute < 60; ++minute) {
    Answer(56, 2 * kQuick);
    ASSERT_EQ(concurrency_.limit(), 8);
    Answer(8, kQuick);
  }
}

TEST_F(AdaptiveConcurrencyTest, APauseDoesNotMakeTheBestForgotten) {
  Answer(80, kQuick);
  now_ += absl::Hours(10);
  Answer(8, 5 * kQuick);
  EXPECT_EQ(concurrency_.limit(), 4);
}

TEST_F(AdaptiveConcurrencyTest, AnswersWithoutATimeCountAsGood) {
  concurrency_.StartOver();
  for (int i = 0; i < 4; ++i) {
    concurrency_.OnGoodAnswer(Kind::kWrite, std::nullopt, 0, now_);
  }
  EXPECT_EQ(concurrency_.limit(), 2);
  EXPECT_EQ(concurrency_.latency(), absl::ZeroDuration());
}

TEST_F(AdaptiveConcurrencyTest, ANewMaximumHoldsAtOnce) {
  concurrency_.SetMax(3);
  EXPECT_EQ(concurrency_.limit(), 3);
  concurrency_.SetMax(20);
  EXPECT_EQ(concurrency_.limit(), 20);
  // One that was found by trying stays as found.
  concurrency_.OnOverload(0);
  concurrency_.SetMax(30);
  EXPECT_EQ(concurrency_.limit(), 10);
}

}  // namespace
}  // namespace rehai
