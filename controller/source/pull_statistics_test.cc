// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/pull_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rehai {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

v1::PullStatus StatusOf(const PullStatistics& statistics) {
  v1::PullStatus status;
  statistics.FillStatus(status);
  return status;
}

TEST(PullStatisticsTest, DialsThatFailedAreCountedByWhatWentWrong) {
  PullStatistics statistics;
  const absl::Duration second = absl::Seconds(1);
  statistics.DialEnded(absl::OkStatus(), second);
  statistics.DialEnded(absl::UnavailableError("x"), second);
  statistics.DialEnded(absl::UnavailableError("x"), second);
  statistics.DialEnded(absl::UnauthenticatedError("x"), second);
  statistics.DialEnded(absl::DeadlineExceededError("x"), second);
  statistics.DialEnded(absl::InvalidArgumentError("x"), second);

  const v1::PullStatus status = StatusOf(statistics);
  EXPECT_EQ(status.dials(), 6);
  EXPECT_THAT(status.failed_dials(),
              UnorderedElementsAre(Pair("unreachable", 2), Pair("refused", 1),
                                   Pair("timeout", 1), Pair("bad_uri", 1)));
  EXPECT_EQ(status.dial_time().count(), 1) << "how long failing took says less";
}

TEST(PullStatisticsTest, ReadsThatFailedHaveNoTime) {
  PullStatistics statistics;
  statistics.ReadEnded(true, absl::Milliseconds(3));
  statistics.ReadEnded(false, absl::Seconds(15));
  const v1::PullStatus status = StatusOf(statistics);
  EXPECT_EQ(status.reads(), 2);
  EXPECT_EQ(status.failed_reads(), 1);
  EXPECT_EQ(status.read_time().count(), 1);
  EXPECT_DOUBLE_EQ(status.read_time().sum_seconds(), 0.003);
}

TEST(PullStatisticsTest, TheRestIsCountedAsItIsTold) {
  PullStatistics statistics;
  statistics.ConnectionLost();
  statistics.EventHeard();
  statistics.EventHeard();
  statistics.EventShown(absl::Milliseconds(30));
  statistics.KeepMissed(7);
  const v1::PullStatus status = StatusOf(statistics);
  EXPECT_EQ(status.lost_connections(), 1);
  EXPECT_EQ(status.events(), 2);
  EXPECT_EQ(status.event_to_record().count(), 1);
  EXPECT_EQ(status.missed_events(), 7);
}

}  // namespace
}  // namespace rehai
