// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer does about chef-client runs that tell of themselves:
// promise 4.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "chef/run_message.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::IsNull;

class SyncerRunTest : public SyncerTest {
 protected:
  SyncerRunTest() { MakeSyncer(Fast()); }

  static chef::RunMessage Start(const std::string& id) {
    chef::RunMessage start;
    start.kind = chef::RunMessage::Kind::kStart;
    start.node = kHost.node;
    start.run_id = id;
    return start;
  }
  static chef::RunMessage End(const std::string& id, bool saved = true) {
    chef::RunMessage end = Start(id);
    end.kind = chef::RunMessage::Kind::kEnd;
    end.success = saved;
    end.saved = saved;
    end.node_document = std::make_shared<const std::string>(
        R"({"name":"hv1","automatic":{"ohai_time":2001.5}})");
    return end;
  }
  // A write of a result that a test decides.
  chef::WriteResult Written() const {
    chef::WriteResult result;
    result.outcome = v1::WRITE_OUTCOME_WRITTEN;
    return result;
  }
  chef::NodeUpdate Last() { return sink_.updates(kHost.node).back(); }
  v1::RunsStatus Runs() { return syncer_->ChefStatus().runs(); }
};

TEST_F(SyncerRunTest, TheEndOfARunIsFollowedByAWriteAtOnce) {
  Sync();
  syncer_->OnRun(Start("1"));
  EXPECT_TRUE(syncer_->Status(kHost).has_run_started_at());
  Pass(absl::Minutes(3));
  sink_.Clobber(kHost.node);
  syncer_->OnRun(End("1"));
  EXPECT_FALSE(syncer_->Status(kHost).has_run_started_at());
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());
  EXPECT_EQ(Writes(), 2u);
  EXPECT_NE(sink_.digest(kHost.node), "");

  const v1::ChefStatus status = syncer_->ChefStatus();
  EXPECT_EQ(status.runs().started(), 1);
  EXPECT_EQ(status.runs().succeeded(), 1);
  EXPECT_EQ(status.overwriters(0).overwriter(), v1::OVERWRITER_CHEF_CLIENT);
  EXPECT_EQ(syncer_->Status(kHost).overwrites(), 1);
}

TEST_F(SyncerRunTest, ARunThatSavedNothingAsksForNothing) {
  Sync();
  syncer_->OnRun(Start("1"));
  syncer_->OnRun(End("1", /*saved=*/false));
  syncer_->Tick();
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerRunTest, ChangesAndRequestsDoNotWaitForARun) {
  Sync();
  syncer_->OnRun(Start("1"));
  ObserveShutOff();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  Rewrite();
  EXPECT_EQ(Writes(), 3u);
}

TEST_F(SyncerRunTest, ALookThatShowsNothingNewWaitsForTheRunToEnd) {
  // Without a stamp every node is read in its turn.
  Syncer::Options options = Fast();
  options.sweep_interval = absl::Minutes(1);
  options.renderings.rehai = false;
  options.renderings.kvm_extensions = true;
  MakeSyncer(options);
  Sync();
  syncer_->OnRun(Start("1"));
  for (int i = 0; i < 5; ++i) Pass(absl::Minutes(1));
  EXPECT_EQ(Writes(), 1u);
  syncer_->OnRun(End("1", /*saved=*/false));
  Pass(absl::ZeroDuration());
  EXPECT_EQ(Writes(), 2u);
}

TEST_F(SyncerRunTest, ARunThatNeverEndsHoldsNothingForEver) {
  Syncer::Options options = Fast();
  options.sweep_interval = absl::Minutes(1);
  options.renderings.rehai = false;
  options.renderings.kvm_extensions = true;
  MakeSyncer(options);
  Sync();
  syncer_->OnRun(Start("1"));
  for (int i = 0; i < 14; ++i) Pass(absl::Minutes(1));
  EXPECT_EQ(Writes(), 1u);
  Pass(absl::Minutes(1));
  EXPECT_EQ(Writes(), 2u);
}

TEST_F(SyncerRunTest,
       ASaveThatAPutOfOursMayHaveRolledBackGoesWithTheNextWrite) {
  Sync();  // our PUT lies around the save
  const chef::RunMessage end = End("1");
  chef::WriteResult restored = Written();
  restored.restored = true;
  sink_.Script(kHost.node, restored);
  testing::internal::CaptureStderr();
  syncer_->OnRun(end);
  syncer_->Tick();
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_EQ(Writes(), 2u);
  EXPECT_EQ(Last().saved, end.node_document);
  EXPECT_EQ(syncer_->Status(kHost).restored_saves(), 1);
  EXPECT_EQ(Runs().rolled_back(), 1);
  EXPECT_EQ(Runs().restored(), 1);
  EXPECT_THAT(log, testing::HasSubstr(kHost.node));

  Rewrite();
  EXPECT_THAT(Last().saved, IsNull());
}

TEST_F(SyncerRunTest, ASaveDuringAWriteGoesWithTheWriteAfterIt) {
  Sync();
  Pass(absl::Minutes(5));
  sink_.Hold();
  ObserveShutOff();
  PassWindow();
  syncer_->OnRun(End("1"));
  EXPECT_THAT(Last().saved, IsNull());
  sink_.Release();
  syncer_->Tick();
  EXPECT_EQ(Writes(), 3u);
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
}

TEST_F(SyncerRunTest, ASaveFarFromAnyPutOfOursIsNotBroughtBack) {
  Sync();
  Pass(absl::Minutes(5));
  sink_.Clobber(kHost.node);
  syncer_->OnRun(End("1"));
  syncer_->Tick();
  EXPECT_THAT(Last().saved, IsNull());
}

TEST_F(SyncerRunTest, ASaveIsKeptForTheRetryOfItsWrite) {
  Sync();
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  syncer_->OnRun(End("1"));
  syncer_->Tick();
  Pass(kRetryMin);
  ASSERT_EQ(Writes(), 3u);
  EXPECT_NE(Last().saved, nullptr);
}

TEST_F(SyncerRunTest, ARunOfAnUnknownNodeIsNothingToUs) {
  syncer_->OnRun(Start("1"));
  syncer_->OnRun(End("1"));
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());
  EXPECT_EQ(Runs().started(), 0);
  EXPECT_EQ(Runs().succeeded(), 0);
}

TEST_F(SyncerRunTest, ANodeThatChefClientHasJustMadeIsWrittenAtOnce) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_NODE_MISSING);
  ObserveRunning();
  PassWindow();
  ASSERT_EQ(State(), v1::SYNC_STATE_PARKED);
  syncer_->OnRun(End("1"));
  syncer_->Tick();
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

}  // namespace
}  // namespace rehai
