// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How the syncer finds what somebody saved over, and answers many rewrites by a
// search: promises 4 and 5.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kInterval = absl::Minutes(1);

class SyncerSweepTest : public SyncerTest {
 protected:
  SyncerSweepTest() { MakeSyncer(Sweeping()); }

  static Syncer::Options Sweeping() {
    Syncer::Options options = Fast();
    options.sweep_interval = kInterval;
    options.index_lag = absl::Seconds(30);
    return options;
  }

  v1::SweepStatus Sweep() const { return syncer_->ChefStatus().sweep(); }
};

// Promise 4: an overwrite is repaired within the sweep interval plus one write.
TEST_F(SyncerSweepTest, WhatAChefClientRunSavedOverIsRepairedByTheNextSweep) {
  SyncFleet(20);
  const std::string digest = sink_.digest("hv7");
  Pass(kInterval / 2);
  sink_.Clobber("hv7");
  Pass(kInterval);
  EXPECT_EQ(sink_.digest("hv7"), digest);
  EXPECT_EQ(Writes(), 21u);

  const v1::SyncStatus status = syncer_->Status(HostId{"hv7"});
  EXPECT_EQ(status.last_outcome(), v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(status.overwrites(), 1);
  EXPECT_EQ(status.last_overwriter(), v1::OVERWRITER_CHEF_CLIENT);
  EXPECT_TRUE(status.has_last_overwrite_at());
}

TEST_F(SyncerSweepTest, AnOverwriteRightAfterOurWriteIsRepairedInTimeToo) {
  // When the sweep comes, the node may be missing because the index lags.
  Sync();
  const absl::Duration due = syncer_->Tick();
  Pass(due - clock_.Uptime() - kWindow - absl::Seconds(2));
  ObserveShutOff();
  PassWindow();
  Pass(absl::Seconds(1));
  sink_.Clobber(kHost.node);
  const absl::Duration clobbered = clock_.Uptime();
  while (sink_.digest(kHost.node).empty()) {
    ASSERT_LE(clock_.Uptime(), clobbered + kInterval);
    Pass(absl::Seconds(1));
  }
}

TEST_F(SyncerSweepTest, AShortIntervalIsKeptWhateverTheIndexMayLag) {
  Syncer::Options options = Sweeping();
  options.sweep_interval = absl::Seconds(1);
  MakeSyncer(options);
  SyncFleet(20);
  for (int round = 0; round < 10; ++round) {
    sink_.Clobber("hv7");
    const absl::Duration clobbered = clock_.Uptime();
    while (sink_.digest("hv7").empty()) {
      ASSERT_LE(clock_.Uptime(), clobbered + absl::Seconds(1));
      Pass(absl::Milliseconds(10));
    }
    Pass(absl::Milliseconds(70));
  }
  EXPECT_EQ(Sweep().method(), v1::SWEEP_METHOD_SEARCH);
}

// Promise 5: unchanged costs nothing.
TEST_F(SyncerSweepTest, AnHourOfAQuietFleetIsASearchAMinuteAndNothingElse) {
  SyncFleet(300);
  for (int second = 0; second < 3600; ++second) Pass(absl::Seconds(1));
  EXPECT_EQ(Writes(), 300u);
  EXPECT_GE(sink_.search_requests(), 59);
  EXPECT_LE(sink_.search_requests(), 68);
  EXPECT_EQ(Sweep().method(), v1::SWEEP_METHOD_SEARCH);
  EXPECT_EQ(Sweep().nodes(), 300);
}

TEST_F(SyncerSweepTest, AHostThatIsBeingWrittenIsNotDoubted) {
  SyncFleet(20);
  // A search is under way while a node is written.
  Pass(kInterval - absl::Milliseconds(100));
  sink_.Hold();
  ObserveShutOff(Host(3));
  PassWindow();
  Pass(kInterval);
  sink_.Release();
  Pass(absl::ZeroDuration());
  EXPECT_EQ(sink_.updates("hv3").size(), 2u);
}

TEST_F(SyncerSweepTest, ASearchThatFailsGivesWayToReadsSpreadOverTenIntervals) {
  SyncFleet(200);
  sink_.SetSearch(absl::UnavailableError("search is off"));
  Pass(kInterval);
  EXPECT_EQ(Sweep().method(), v1::SWEEP_METHOD_GET);
  EXPECT_THAT(Sweep().search_error(), HasSubstr("search is off"));
  for (int i = 0; i < 10; ++i) {
    const size_t before = Writes();
    Pass(kInterval);
    EXPECT_EQ(Writes() - before, 20u) << i;
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(sink_.updates(Host(i).node).size(), 2u) << i;
  }
  sink_.SetSearch(absl::OkStatus());
  for (int i = 0; i < 10; ++i) Pass(kInterval);
  EXPECT_EQ(Sweep().method(), v1::SWEEP_METHOD_SEARCH);
  EXPECT_EQ(Sweep().search_error(), "");
}

TEST_F(SyncerSweepTest, ASearchThatReadsProveWrongIsNotTrusted) {
  SyncFleet(20);
  for (int i = 0; i < 20; ++i) sink_.HideFromSearch(Host(i).node);
  Pass(kInterval);
  EXPECT_EQ(Sweep().method(), v1::SWEEP_METHOD_GET);
  // And what somebody saves over is found all the same.
  sink_.Clobber("hv7");
  for (int i = 0; i < 10; ++i) Pass(kInterval);
  EXPECT_NE(sink_.digest("hv7"), "");
}

TEST_F(SyncerSweepTest, WithoutAStampNodesAreReadInTurn) {
  Syncer::Options options = Sweeping();
  options.renderings.rehai = false;
  options.renderings.kvm_extensions = true;
  MakeSyncer(options);
  SyncFleet(5);
  Pass(kInterval);
  EXPECT_EQ(sink_.search_count(), 0u);
  EXPECT_EQ(Writes(), 10u);
  EXPECT_THAT(Sweep().search_error(), HasSubstr("renderings.rehai"));
}

TEST_F(SyncerSweepTest, AServerThatIsDownIsNotSearched) {
  SyncFleet(20);
  sink_.SetAll(v1::WRITE_OUTCOME_RETRY);
  for (int i = 0; i < 4; ++i) ObserveShutOff(Host(i));
  PassWindow();
  ASSERT_EQ(syncer_->ChefStatus().state(), v1::SERVER_STATE_DOWN);
  for (int i = 0; i < 600; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(sink_.search_count(), 0u);
}

TEST_F(SyncerSweepTest, AnotherWriterIsToldOfAndNotFoughtFasterThanTheSweep) {
  SyncFleet(20);
  for (int second = 0; second < 600; ++second) {
    chef::NodeMarks theirs = sink_.marks("hv7");
    theirs.digest = "theirs";
    theirs.revision += 1000;
    sink_.SetMarks("hv7", theirs);
    second % 2 == 0 ? ObserveShutOff(Host(7)) : ObserveRunning(Host(7));
    Pass(absl::Seconds(1));
  }
  const v1::ChefStatus status = syncer_->ChefStatus();
  EXPECT_THAT(status.error(), HasSubstr("hv7"));
  EXPECT_THAT(status.error(), HasSubstr("another writer"));
  EXPECT_LE(sink_.updates("hv7").size(), 14u);
  EXPECT_EQ(syncer_->Status(HostId{"hv7"}).last_overwriter(),
            v1::OVERWRITER_SOMEBODY);
}

// Promise 5: a rewrite of N unchanged nodes is one search per 1,000.
TEST_F(SyncerSweepTest, RewritesOfUnchangedNodesAreOneSearchAndNoRead) {
  SyncFleet(300);
  Pass(absl::Seconds(31));
  for (int i = 0; i < 300; ++i) syncer_->Rewrite(Host(i), Collect());
  Pass(RewriteBatch::kWindow);
  EXPECT_EQ(sink_.search_requests(), 1);
  EXPECT_EQ(Writes(), 300u);
  ASSERT_THAT(rewrites_, SizeIs(300));
  for (const RewriteResult& result : rewrites_) {
    ASSERT_THAT(result, IsOk());
    ASSERT_EQ(result->outcome, v1::WRITE_OUTCOME_UNCHANGED);
  }
  EXPECT_EQ(syncer_->Status(Host(3)).verified_at().seconds(),
            absl::ToUnixSeconds(clock_.Now()));
}

TEST_F(SyncerSweepTest, RewritesOf2500UnchangedNodesAreThreeSearches) {
  SyncFleet(2500);
  Pass(absl::Seconds(31));
  for (int i = 0; i < 2500; ++i) syncer_->Rewrite(Host(i), Collect());
  Pass(RewriteBatch::kWindow);
  EXPECT_EQ(sink_.search_requests(), 3);
  EXPECT_EQ(Writes(), 2500u);
  EXPECT_THAT(rewrites_, SizeIs(2500));
}

TEST_F(SyncerSweepTest,
       RewritesThatComeHostByHostShareTheSearchOfTheirCommand) {
  SyncFleet(300);
  Pass(absl::Seconds(31));
  const absl::Duration commanded = clock_.Uptime();
  clock_.Advance(absl::Milliseconds(1));
  for (int i = 0; i < 32; ++i) {
    syncer_->Rewrite(Host(i), commanded, v1::LANE_USER, Collect());
  }
  Pass(RewriteBatch::kWindow);
  ASSERT_THAT(rewrites_, SizeIs(32));
  for (int i = 32; i < 300; ++i) {
    syncer_->Rewrite(Host(i), commanded, v1::LANE_USER, Collect());
  }
  EXPECT_THAT(rewrites_, SizeIs(300));
  EXPECT_EQ(sink_.search_requests(), 1);
  EXPECT_EQ(Writes(), 300u);

  // A later command is not content with that.
  for (int i = 0; i < 300; ++i) syncer_->Rewrite(Host(i), Collect());
  Pass(RewriteBatch::kWindow);
  EXPECT_THAT(rewrites_, SizeIs(600));
  EXPECT_EQ(sink_.search_requests(), 2);
}

TEST_F(SyncerSweepTest, ARewriteFindsWhatTheSearchDoesNotShowInPlace) {
  SyncFleet(300);
  Pass(absl::Seconds(31));
  sink_.Clobber("hv7");
  for (int i = 0; i < 300; ++i) syncer_->Rewrite(Host(i), Collect());
  Pass(RewriteBatch::kWindow);
  ASSERT_THAT(rewrites_, SizeIs(300));
  EXPECT_EQ(Writes(), 301u);
  EXPECT_NE(sink_.digest("hv7"), "");
  int repaired = 0;
  for (const RewriteResult& result : rewrites_) {
    repaired +=
        result->outcome == v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED ? 1 : 0;
  }
  EXPECT_EQ(repaired, 1);
}

TEST_F(SyncerSweepTest, AFewRewritesAreReads) {
  SyncFleet(300);
  Pass(absl::Seconds(31));
  for (int i = 0; i < 7; ++i) syncer_->Rewrite(Host(i), Collect());
  Pass(RewriteBatch::kWindow);
  EXPECT_EQ(sink_.search_count(), 0u);
  EXPECT_EQ(Writes(), 307u);
  EXPECT_THAT(rewrites_, SizeIs(7));
}

TEST_F(SyncerSweepTest, RewritesAreReadsWhereTheSearchFails) {
  SyncFleet(100);
  Pass(absl::Seconds(31));
  sink_.SetSearch(absl::UnavailableError("search is off"));
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 100; ++i) syncer_->Rewrite(Host(i), Collect());
    Pass(RewriteBatch::kWindow);
    EXPECT_THAT(rewrites_, SizeIs(100 * round));
    EXPECT_EQ(Writes(), 100u + 100u * round);
  }
  EXPECT_EQ(sink_.search_count(), 1u);
}

TEST_F(SyncerSweepTest, ARewriteOfWhatChangedMeanwhileIsAWrite) {
  SyncFleet(20);
  Pass(absl::Seconds(31));
  for (int i = 0; i < 20; ++i) syncer_->Rewrite(Host(i), Collect());
  ObserveShutOff(Host(7));
  PassWindow();
  Pass(absl::ZeroDuration());
  EXPECT_THAT(rewrites_, SizeIs(20));
  EXPECT_EQ(Writes(), 21u);
  EXPECT_EQ(State(Host(7)), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerSweepTest, RewritesAreCancelledAtShutdownWhileTheyWait) {
  SyncFleet(20);
  for (int i = 0; i < 20; ++i) syncer_->Rewrite(Host(i), Collect());
  EXPECT_THAT(rewrites_, IsEmpty());
  syncer_->Stop();
  ASSERT_THAT(rewrites_, SizeIs(20));
  EXPECT_THAT(rewrites_[0], StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace rehai
