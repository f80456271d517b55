// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How what Ohai found gets into nodes: once, and over nothing newer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "chef/run_message.h"
#include "controller/inventory/record.h"
#include "controller/sync/ohai_run.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// The fake's nodes were saved at 1000, and are clobbered from 2001 on.
constexpr char kLater[] = "1500";

class SyncerOhaiTest : public SyncerTest {
 protected:
  static OhaiRun RunOf(const std::string& uptime,
                       const std::string& time = kLater) {
    OhaiRun run;
    run.output.subtrees = {{{"automatic", "uptime"}, uptime}};
    run.time = time;
    return run;
  }

  void WriteOhai(OhaiRun run, const HostId& host = kHost) {
    syncer_->WriteOhai(host, std::move(run), v1::LANE_USER, CollectOhai());
    syncer_->Tick();
  }
  Syncer::RewriteDone CollectOhai() {
    return
        [this](RewriteResult result) { ohais_.push_back(std::move(result)); };
  }

  // Whether the last write brought anything of Ohai's.
  bool LastBroughtOhai() { return !sink_.updates().back().ohai.empty(); }

  void Doubt() {
    v1::Condition condition;
    condition.set_type(kHostUuidChanged);
    condition.set_message("answers with another UUID");
    ASSERT_THAT(inventory_->SetCondition(kHost, condition), IsOk());
  }

  std::vector<RewriteResult> ohais_;
};

TEST_F(SyncerOhaiTest, GoesIntoTheNodeAtOnce) {
  Sync();
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(1));
  ASSERT_THAT(ohais_[0], IsOk());
  EXPECT_EQ(ohais_[0]->outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(sink_.ohai(kHost.node), ElementsAre(Pair("uptime", "7")));
  EXPECT_EQ(sink_.updates().back().ohai_time, kLater);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerOhaiTest, WhatTheNodeHoldsAlreadyIsUnchanged) {
  Sync();
  WriteOhai(RunOf("7"));
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(2));
  ASSERT_THAT(ohais_[1], IsOk());
  EXPECT_EQ(ohais_[1]->outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerOhaiTest, IsNoPartOfTheDigestAndNotWrittenAgain) {
  Sync();
  const std::string digest = sink_.digest(kHost.node);
  WriteOhai(RunOf("7"));
  EXPECT_EQ(sink_.digest(kHost.node), digest);
  EXPECT_EQ(syncer_->Status(kHost).applied_digest(), digest);
  Pass(absl::Hours(1));
  EXPECT_EQ(Writes(), 2u);
  // Neither by what happens later,
  ObserveShutOff();
  PassWindow();
  ASSERT_EQ(Writes(), 3u);
  EXPECT_FALSE(LastBroughtOhai());
  // nor when somebody asks.
  Rewrite();
  ASSERT_EQ(Writes(), 4u);
  EXPECT_FALSE(LastBroughtOhai());
}

TEST_F(SyncerOhaiTest, ASweepDoesNotBringItBack) {
  Syncer::Options options = Quiet();
  options.sweep_interval = absl::Minutes(1);
  MakeSyncer(options);
  SyncFleet();
  Sync();
  WriteOhai(RunOf("7"));
  sink_.Clobber(kHost.node);
  const size_t written = Writes();
  for (int i = 0; i < 3; ++i) Pass(absl::Minutes(1));
  ASSERT_EQ(Writes(), written + 1);
  EXPECT_FALSE(LastBroughtOhai());
  EXPECT_NE(sink_.digest(kHost.node), "");
}

TEST_F(SyncerOhaiTest, RidesOnWhatIsWrittenAnyway) {
  ObserveRunning();
  WriteOhai(RunOf("7"));
  EXPECT_EQ(Writes(), 1u);
  EXPECT_THAT(ohais_, SizeIs(1));
  PassWindow();
  EXPECT_EQ(Writes(), 1u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerOhaiTest, DuringAWriteItWaitsForOneOfItsOwn) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  WriteOhai(RunOf("7"));
  EXPECT_EQ(Writes(), 1u);
  sink_.Release();
  EXPECT_THAT(ohais_, IsEmpty());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_TRUE(LastBroughtOhai());
  EXPECT_THAT(ohais_, ElementsAre(IsOk()));
}

TEST_F(SyncerOhaiTest, ATryThatFailedIsMadeAgainWithItUntilChefConfirms) {
  SyncFleet();
  Sync();
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_LOST_RACE);
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(1));
  EXPECT_EQ(ohais_[0]->outcome, v1::WRITE_OUTCOME_RETRY);
  Pass(2 * kRetryMin);
  EXPECT_TRUE(LastBroughtOhai());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(LastBroughtOhai());
  EXPECT_THAT(sink_.ohai(kHost.node), ElementsAre(Pair("uptime", "7")));
  EXPECT_THAT(ohais_, SizeIs(1)) << "nobody waits any longer";
  Pass(absl::Hours(1));
  const size_t written = Writes();
  Rewrite();
  EXPECT_EQ(Writes(), written + 1);
  EXPECT_FALSE(LastBroughtOhai());
}

TEST_F(SyncerOhaiTest, OlderThanTheNodesOhaiTimeItIsLeftOutAndSaysSo) {
  Sync();
  WriteOhai(RunOf("7", /*time=*/"999.9"));
  EXPECT_THAT(ohais_, ElementsAre(StatusIs(
                          absl::StatusCode::kAborted,
                          AllOf(HasSubstr("hv1"), HasSubstr("ohai_time")))));
  EXPECT_THAT(sink_.ohai(kHost.node), IsEmpty());
  Pass(absl::Hours(1));
  EXPECT_EQ(Writes(), 2u);
}

TEST_F(SyncerOhaiTest, ARunThatSavesBetweenTwoTriesIsNotWrittenOver) {
  SyncFleet();
  Sync();
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_LOST_RACE);
  WriteOhai(RunOf("7"));
  sink_.Clobber(kHost.node);
  Pass(absl::Seconds(1));
  EXPECT_THAT(sink_.ohai(kHost.node), IsEmpty());
  EXPECT_NE(sink_.digest(kHost.node), "") << "ours is written all the same";
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  Rewrite();
  EXPECT_FALSE(LastBroughtOhai());
}

TEST_F(SyncerOhaiTest, ANewerRunSupersedesOneThatWaits) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  WriteOhai(RunOf("7"));
  WriteOhai(RunOf("8"));
  EXPECT_THAT(ohais_, ElementsAre(StatusIs(absl::StatusCode::kAborted,
                                           HasSubstr("superseded"))));
  sink_.Release();
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  ASSERT_THAT(ohais_, SizeIs(2));
  EXPECT_THAT(ohais_[1], IsOk());
  EXPECT_THAT(sink_.ohai(kHost.node), ElementsAre(Pair("uptime", "8")));
}

TEST_F(SyncerOhaiTest, ANewerRunThatComesDuringTheWriteOfAnOlderFollowsIt) {
  Sync();
  sink_.Hold();
  WriteOhai(RunOf("7"));
  WriteOhai(RunOf("8"));
  sink_.Release();
  syncer_->Tick();
  EXPECT_EQ(Writes(), 3u);
  EXPECT_THAT(sink_.ohai(kHost.node), ElementsAre(Pair("uptime", "8")));
  EXPECT_THAT(ohais_,
              ElementsAre(StatusIs(absl::StatusCode::kAborted), IsOk()));
}

// What is refused for Ohai's sake must not keep ours from the node.
TEST_F(SyncerOhaiTest, ANodeTooLargeWithItIsWrittenWithoutIt) {
  Sync();
  ObserveShutOff();
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_TOO_LARGE);
  testing::internal::CaptureStderr();
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(1));
  EXPECT_EQ(ohais_[0]->outcome, v1::WRITE_OUTCOME_TOO_LARGE);
  syncer_->Tick();
  EXPECT_EQ(Writes(), 3u);
  EXPECT_FALSE(LastBroughtOhai());
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "nothing is parked";
}

TEST_F(SyncerOhaiTest, AParkedHostIsTriedOnceWithItAndStaysParked) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_FORBIDDEN);
  ObserveRunning();
  PassWindow();
  ASSERT_EQ(State(), v1::SYNC_STATE_PARKED);
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_FORBIDDEN);
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_FORBIDDEN);
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(1));
  EXPECT_EQ(ohais_[0]->outcome, v1::WRITE_OUTCOME_FORBIDDEN);
  Pass(absl::Hours(1));
  EXPECT_EQ(Writes(), 3u);
  EXPECT_EQ(State(), v1::SYNC_STATE_PARKED);
}

TEST_F(SyncerOhaiTest, ANodeThatIsNotThereYetGetsNoneLater) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_NODE_MISSING);
  ObserveRunning();
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(1));
  EXPECT_EQ(ohais_[0]->outcome, v1::WRITE_OUTCOME_NODE_MISSING);
  Pass(2 * kRetryMax);
  ASSERT_EQ(Writes(), 2u);
  EXPECT_FALSE(LastBroughtOhai());
}

TEST_F(SyncerOhaiTest, ADryRunShowsItOnce) {
  Syncer::Options options = Quiet();
  options.dry_run = true;
  MakeSyncer(options);
  ObserveRunning();
  sink_.SetAll(v1::WRITE_OUTCOME_WOULD_WRITE);
  WriteOhai(RunOf("7"));
  ASSERT_THAT(ohais_, SizeIs(1));
  EXPECT_EQ(ohais_[0]->outcome, v1::WRITE_OUTCOME_WOULD_WRITE);
  Rewrite();
  EXPECT_FALSE(LastBroughtOhai());
}

TEST_F(SyncerOhaiTest, ErrorsAreThoseOfRewrite) {
  WriteOhai(RunOf("7"));
  inventory_->AddHost(kHost, {});
  WriteOhai(RunOf("7"));
  ObserveRunning();
  Doubt();
  WriteOhai(RunOf("7"));
  syncer_->Stop();
  syncer_->WriteOhai(HostId{"hv9"}, RunOf("7"), v1::LANE_USER, CollectOhai());
  EXPECT_THAT(ohais_,
              ElementsAre(StatusIs(absl::StatusCode::kNotFound),
                          StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("observed")),
                          StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr(kHostUuidChanged)),
                          StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_EQ(Writes(), 0u);
}

// It may be the Ohai of another host.
TEST_F(SyncerOhaiTest, IsGivenUpIfTheIdentityIsDoubtedBeforeItIsWritten) {
  Sync();
  sink_.Hold();
  ObserveShutOff();
  PassWindow();
  WriteOhai(RunOf("7"));
  Doubt();
  sink_.Release();
  Pass(kWindow);
  EXPECT_THAT(ohais_,
              ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr(kHostUuidChanged))));
  ASSERT_THAT(inventory_->ClearCondition(kHost, kHostUuidChanged), IsOk());
  PassWindow();
  EXPECT_THAT(sink_.ohai(kHost.node), IsEmpty());
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerOhaiTest, IsGivenUpIfTheHostLeaves) {
  Sync();
  sink_.Hold();
  ObserveShutOff();
  PassWindow();
  WriteOhai(RunOf("7"));
  inventory_->RemoveHost(kHost);
  sink_.Release();
  PassWindow();
  EXPECT_THAT(ohais_, ElementsAre(StatusIs(absl::StatusCode::kNotFound)));
  ObserveRunning();
  PassWindow();
  EXPECT_FALSE(LastBroughtOhai());
}

TEST_F(SyncerOhaiTest, IsCancelledAtShutdown) {
  Sync();
  syncer_->WriteOhai(kHost, RunOf("7"), v1::LANE_USER, CollectOhai());
  syncer_->Stop();
  EXPECT_THAT(ohais_, ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
  syncer_->WriteOhai(kHost, RunOf("8"), v1::LANE_USER, CollectOhai());
  EXPECT_THAT(ohais_, ElementsAre(StatusIs(absl::StatusCode::kCancelled),
                                  StatusIs(absl::StatusCode::kCancelled)));
}

TEST_F(SyncerOhaiTest, SoMuchMayWaitAndNoMore) {
  Syncer::Options options = Quiet();
  options.max_ohai_bytes = 100;
  MakeSyncer(options);
  Sync();
  ObserveRunning(HostId{"hv2"});
  PassWindow();
  const OhaiRun large = RunOf(std::string(60, '7'));
  syncer_->WriteOhai(kHost, large, v1::LANE_USER, CollectOhai());
  syncer_->WriteOhai(HostId{"hv2"}, large, v1::LANE_USER, CollectOhai());
  EXPECT_THAT(ohais_, ElementsAre(StatusIs(absl::StatusCode::kResourceExhausted,
                                           HasSubstr("hv2"))));
  syncer_->Tick();
  EXPECT_THAT(ohais_, SizeIs(2));
  WriteOhai(large, HostId{"hv2"});
  ASSERT_THAT(ohais_, SizeIs(3));
  EXPECT_THAT(ohais_[2], IsOk());
}

TEST_F(SyncerOhaiTest, WhatNobodyWaitsForGoesAfterLiveChanges) {
  Syncer::Options options = Quiet();
  options.limits.max_in_flight = 1;
  MakeSyncer(options);
  SyncFleet(3);
  sink_.Hold();
  Rewrite(Host(0));  // takes the only place
  syncer_->WriteOhai(Host(1), RunOf("7"), v1::LANE_REPAIR, CollectOhai());
  ObserveShutOff(Host(2));
  PassWindow();
  sink_.Release();
  syncer_->Tick();
  const std::vector<chef::NodeUpdate> updates = sink_.updates();
  ASSERT_EQ(updates.size(), 6u);
  EXPECT_EQ(updates[4].node, "hv2");
  EXPECT_EQ(updates[5].node, "hv1");
}

TEST_F(SyncerOhaiTest, ASaveThatIsToBeRestoredAndOhaiGoTogether) {
  Sync();
  chef::RunMessage run;
  run.kind = chef::RunMessage::Kind::kEnd;
  run.node = kHost.node;
  run.run_id = "1";
  run.success = true;
  run.saved = true;
  syncer_->OnRun(run);
  WriteOhai(RunOf("7"));
  EXPECT_EQ(Writes(), 2u) << "one write is for both";
  EXPECT_TRUE(LastBroughtOhai());
}

}  // namespace
}  // namespace rehai
