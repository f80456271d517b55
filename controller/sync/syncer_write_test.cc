// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer writes, and when.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

TEST_F(SyncerTest, WritesAChangeAfterItsWindow) {
  ObserveRunning();
  Pass(kWindow - absl::Milliseconds(1));
  EXPECT_EQ(Writes(), 0u);
  EXPECT_EQ(State(), v1::SYNC_STATE_PENDING);
  EXPECT_EQ(syncer_->Status(kHost).pending_revision(), RevisionOf());

  Pass(absl::Milliseconds(1));
  ASSERT_EQ(Writes(), 1u);
  const chef::NodeUpdate update = sink_.updates()[0];
  EXPECT_EQ(update.node, kHost.node);
  EXPECT_EQ(update.stamp.revision, RevisionOf());
  EXPECT_EQ(update.stamp.source, "pull test:///default");

  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(status.applied_digest(), update.rendering.digest);
  EXPECT_EQ(status.applied_revision(), RevisionOf());
  EXPECT_EQ(status.pending_revision(), 0);
  EXPECT_EQ(status.last_outcome(), v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(status.last_error(), "");
  EXPECT_EQ(status.written_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(status.verified_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_FALSE(status.has_next_try_at());
}

TEST_F(SyncerTest, TickSaysWhenItIsNeededNext) {
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());
  ObserveRunning();
  EXPECT_EQ(syncer_->Tick(), clock_.Uptime() + kWindow);
}

TEST_F(SyncerTest, ABurstOfChangesInAWindowIsOneWriteOfTheNewest) {
  for (int i = 0; i < 500; ++i) {
    ObserveRunning();
    ObserveShutOff();
    syncer_->Tick();
  }
  PassWindow();
  ASSERT_EQ(Writes(), 1u);
  EXPECT_EQ(sink_.updates()[0].stamp.revision, RevisionOf());
}

TEST_F(SyncerTest, AHostThatNeverRestsIsWrittenOncePerWindow) {
  // The window is counted from the first change, so changes cannot put it off.
  for (int i = 0; i < 100; ++i) {
    i % 2 == 0 ? ObserveRunning() : ObserveShutOff();
    Pass(absl::Milliseconds(30));  // an odd number of changes in each window
  }
  EXPECT_EQ(Writes(), 14u);  // 3 s, at 200 ms rounded up to the next 30
}

TEST_F(SyncerTest, AChangeDuringAWriteIsWrittenAfterIt) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  ObserveShutOff();
  PassWindow();
  ASSERT_EQ(Writes(), 1u);

  sink_.Release();
  EXPECT_EQ(State(), v1::SYNC_STATE_PENDING);
  syncer_->Tick();
  ASSERT_EQ(Writes(), 2u);
  EXPECT_EQ(sink_.updates()[1].stamp.revision, RevisionOf());
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
}

TEST_F(SyncerTest, AConfirmedRenderingIsNotWrittenAgain) {
  Sync();
  ObserveShutOff();
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(Writes(), 1u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  // What Chef confirmed is what the newer revision means.
  EXPECT_EQ(syncer_->Status(kHost).applied_revision(), RevisionOf());
}

TEST_F(SyncerTest, AHostThatFallsSilentStaysInChef) {
  Sync();
  v1::Condition unreachable;
  unreachable.set_type("Unreachable");
  for (const v1::Presence presence :
       {v1::PRESENCE_STALE, v1::PRESENCE_UNKNOWN}) {
    ASSERT_THAT(inventory_->SetPresence(kHost, presence, unreachable), IsOk());
    PassWindow();
  }
  EXPECT_EQ(Writes(), 1u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerTest, NothingObservedNothingWritten) {
  inventory_->AddHost(kHost, {{"rack", "b2"}});
  PassWindow();
  EXPECT_EQ(Writes(), 0u);
  EXPECT_EQ(State(), v1::SYNC_STATE_NOTHING_OBSERVED);
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());
}

TEST_F(SyncerTest, UnchangedOnTheServerIsConfirmedButNotWritten) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_UNCHANGED);
  Sync();
  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_TRUE(status.has_verified_at());
  EXPECT_FALSE(status.has_written_at());
  EXPECT_EQ(status.last_outcome(), v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerTest, ARemovedHostIsForgotten) {
  Sync();
  inventory_->RemoveHost(kHost);
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_UNSPECIFIED);
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());

  // What Chef held is forgotten too: a host that comes back is checked.
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerTest,
       AHostThatLeavesAndReturnsDuringItsWriteIsNotWrittenTwiceAtOnce) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  inventory_->RemoveHost(kHost);
  PassWindow();
  ObserveShutOff();
  PassWindow();
  EXPECT_EQ(sink_.in_flight(), 1);
  sink_.Release();
  PassWindow();
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(sink_.updates().back().stamp.revision, RevisionOf());
}

}  // namespace
}  // namespace rehai
