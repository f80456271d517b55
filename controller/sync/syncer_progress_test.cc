// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How far changes have come in Chef, as the syncer tells it.

#include <map>

#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

class SyncerProgressTest : public SyncerTest {
 protected:
  SyncerProgressTest() { Listen(); }

  void Listen() {
    syncer_->AddProgressListener([this](const std::vector<Progress>& all) {
      for (const Progress& one : all) {
        Revision& newest = reached_[one.level];
        newest = std::max(newest, one.revision);
      }
    });
    syncer_->AddSearchListener(
        [this](const Sightings& seen, absl::Time) { searched_ = seen; });
  }

  std::map<v1::VisibilityLevel, Revision> reached_;
  Sightings searched_;
};

TEST_F(SyncerProgressTest, AWriteIsWrittenAndVerified) {
  Sync();
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_WRITTEN], RevisionOf());
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_VERIFIED], RevisionOf());
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_SEARCHABLE], 0);
}

TEST_F(SyncerProgressTest, AChangeThatChefDoesNotShowIsVisibleWithoutAWrite) {
  Sync();
  const size_t writes = Writes();
  ASSERT_THAT(inventory_->SetPresence(kHost, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  EXPECT_LT(reached_[v1::VISIBILITY_LEVEL_VERIFIED], RevisionOf());
  PassWindow();
  EXPECT_EQ(Writes(), writes);
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_VERIFIED], RevisionOf());
}

TEST_F(SyncerProgressTest, AFailedWriteIsNeither) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_FORBIDDEN);
  ObserveRunning();
  PassWindow();
  ASSERT_EQ(State(), v1::SYNC_STATE_PARKED);
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_WRITTEN], 0);
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_VERIFIED], 0);
}

TEST_F(SyncerProgressTest, ALostRaceWasWrittenAndIsNotVerified) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_LOST_RACE);
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_WRITTEN], RevisionOf());
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_VERIFIED], 0);
}

TEST_F(SyncerProgressTest, ADryRunShowsNothing) {
  sink_.SetAll(v1::WRITE_OUTCOME_WOULD_WRITE);
  ObserveRunning();
  PassWindow();
  ASSERT_THAT(inventory_->SetPresence(kHost, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  PassWindow();
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_VERIFIED], 0);
}

TEST_F(SyncerProgressTest, ASweepSeesWhatTheSearchShows) {
  Syncer::Options options = Fast();
  options.sweep_interval = absl::Minutes(1);
  MakeSyncer(options);
  Listen();
  Sync();
  const Revision written = RevisionOf();
  ASSERT_THAT(inventory_->SetPresence(kHost, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  PassWindow();
  ASSERT_GT(RevisionOf(), written);
  Pass(absl::Minutes(2));
  // The stamp has the older revision, of a rendering that both have.
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_SEARCHABLE], RevisionOf());
  EXPECT_TRUE(searched_.contains(kHost));
}

TEST_F(SyncerProgressTest, WhoWaitsHasTheSweepNow) {
  Syncer::Options options = Fast();
  options.sweep_interval = absl::Hours(1);
  MakeSyncer(options);
  Listen();
  Sync();
  syncer_->Tick();
  ASSERT_EQ(sink_.search_count(), 0u);
  syncer_->SweepSoon();
  syncer_->Tick();
  EXPECT_EQ(sink_.search_count(), 1u);
  EXPECT_EQ(reached_[v1::VISIBILITY_LEVEL_SEARCHABLE], RevisionOf());
}

TEST_F(SyncerProgressTest, WithoutSweepsNobodyCanHaveOne) {
  Sync();
  syncer_->SweepSoon();
  syncer_->Tick();
  EXPECT_EQ(sink_.search_count(), 0u);
}

}  // namespace
}  // namespace rehai
