// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/push_statistics.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

TEST(PushStatisticsTest, CountsWhatItIsTold) {
  PushStatistics statistics;
  statistics.SessionOpened();
  statistics.SessionOpened();
  statistics.SessionRefused("rate");
  statistics.SessionRefused("rate");
  statistics.SessionRefused("identity");
  statistics.SessionEnded("silent");
  statistics.ReportMerged(/*full=*/true, absl::Milliseconds(30));
  statistics.ReportMerged(/*full=*/false, absl::Milliseconds(30));
  statistics.FullDemanded();
  statistics.SourceError();
  statistics.OhaiRan(true);
  statistics.OhaiRan(false);

  v1::PushStatus status;
  statistics.FillStatus(status);
  EXPECT_EQ(status.opened_sessions(), 2);
  EXPECT_EQ(status.refused_sessions().at("rate"), 2);
  EXPECT_EQ(status.refused_sessions().at("identity"), 1);
  EXPECT_EQ(status.ended_sessions().at("silent"), 1);
  EXPECT_EQ(status.reports(), 4);
  EXPECT_EQ(status.full_reports(), 1);
  EXPECT_EQ(status.full_demanded(), 1);
  EXPECT_EQ(status.report_to_record().count(), 2);
  EXPECT_EQ(status.ohai_runs(), 2);
  EXPECT_EQ(status.failed_ohai_runs(), 1);
}

}  // namespace
}  // namespace rehai
