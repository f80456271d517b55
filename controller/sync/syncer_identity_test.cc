// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer does of a host whose identity is in doubt: nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "chef/run_message.h"
#include "controller/inventory/record.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SyncerIdentityTest : public SyncerTest {
 protected:
  void Doubt() {
    v1::Condition condition;
    condition.set_type(kHostUuidChanged);
    condition.set_message("host hv1: answers with another UUID; see to it");
    ASSERT_THAT(inventory_->SetCondition(kHost, condition), IsOk());
  }
  void EndDoubt() {
    ASSERT_THAT(inventory_->ClearCondition(kHost, kHostUuidChanged), IsOk());
  }
};

TEST_F(SyncerIdentityTest, AChangeWaitsForTheEndOfTheDoubt) {
  Sync();
  Doubt();
  ObserveShutOff();
  Pass(absl::Hours(1));
  EXPECT_EQ(Writes(), 1u);
  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_HELD);
  EXPECT_THAT(status.last_error(), HasSubstr("answers with another UUID"));
  EXPECT_EQ(status.pending_revision(), RevisionOf());

  EndDoubt();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(syncer_->Status(kHost).last_error(), "");
}

TEST_F(SyncerIdentityTest, ADoubtThatPassesCostsChefNothing) {
  Sync();
  Doubt();
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_HELD);
  EndDoubt();
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerIdentityTest, AHostInDoubtFromTheStartIsHeldNotUnobserved) {
  inventory_->AddHost(kHost, {});
  Doubt();
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_HELD);
  EXPECT_EQ(syncer_->Status(kHost).pending_revision(), 0);
  Rewrite();
  EXPECT_THAT(rewrites_,
              ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr(kHostUuidChanged))));
}

TEST_F(SyncerIdentityTest, AWriteThatBeganBeforeMayEndAndIsNotTriedAgain) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  Doubt();
  sink_.Release();
  Pass(absl::Hours(1));
  EXPECT_EQ(Writes(), 1u);
  EndDoubt();
  PassWindow();
  EXPECT_EQ(Writes(), 2u) << "the try whose end was not seen is forgotten";
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerIdentityTest, ARewriteSaysWhyItIsNotDone) {
  Sync();
  Doubt();
  PassWindow();
  Rewrite();
  EXPECT_THAT(
      rewrites_,
      ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                           AllOf(HasSubstr("hv1"), HasSubstr(kHostUuidChanged),
                                 HasSubstr("answers with another UUID")))));
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerIdentityTest, ARewriteThatWaitsWhenTheDoubtComesSaysSoToo) {
  Sync();
  sink_.Clobber(kHost.node);
  syncer_->Rewrite(kHost, Collect());
  Doubt();
  Pass(RewriteBatch::kWindow);
  PassWindow();
  EXPECT_THAT(rewrites_,
              ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr(kHostUuidChanged))));
  EXPECT_EQ(Writes(), 1u);
  EndDoubt();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_NE(sink_.digest(kHost.node), "");
}

TEST_F(SyncerIdentityTest, TheEndOfARunWritesNothingUntilTheDoubtEnds) {
  Sync();
  Doubt();
  PassWindow();
  sink_.Clobber(kHost.node);
  chef::RunMessage run;
  run.kind = chef::RunMessage::Kind::kEnd;
  run.node = kHost.node;
  run.run_id = "1";
  run.success = true;
  run.saved = true;
  syncer_->OnRun(run);
  Pass(absl::Hours(1));
  EXPECT_EQ(Writes(), 1u);
  EndDoubt();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerIdentityTest, ASweepLooksAndDoesNotWrite) {
  Syncer::Options options = Quiet();
  options.sweep_interval = absl::Minutes(1);
  MakeSyncer(options);
  SyncFleet();
  Sync();
  const size_t written = Writes();
  Doubt();
  PassWindow();
  sink_.Clobber(kHost.node);
  for (int i = 0; i < 5; ++i) Pass(absl::Minutes(1));
  EXPECT_GE(sink_.search_count(), 3u);
  EXPECT_EQ(Writes(), written);
  EXPECT_EQ(State(), v1::SYNC_STATE_HELD);
  EndDoubt();
  PassWindow();
  EXPECT_EQ(Writes(), written + 1);
  EXPECT_NE(sink_.digest(kHost.node), "");
}

TEST_F(SyncerIdentityTest, ADiffStillShowsWhatWouldChange) {
  Sync();
  Doubt();
  int answers = 0;
  syncer_->Diff(kHost, [&](auto differences) {
    EXPECT_THAT(differences, IsOk());
    ++answers;
  });
  syncer_->Tick();
  EXPECT_EQ(answers, 1);
}

TEST_F(SyncerIdentityTest, OtherHostsAreWrittenMeanwhile) {
  Sync();
  Doubt();
  SyncFleet();
  EXPECT_EQ(State(HostId{"other1"}), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerIdentityTest, AHostThatLeftDiscoveryIsWrittenStill) {
  Sync();
  v1::Condition left;
  left.set_type(kLeftDiscovery);
  ASSERT_THAT(inventory_->SetCondition(kHost, left), IsOk());
  ObserveShutOff();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

}  // namespace
}  // namespace rehai
