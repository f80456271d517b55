// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A restart: what the last run left of nodes is believed once it was seen.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/inventory/record.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

class SyncerRestoreTest : public SyncerTest {
 protected:
  SyncerRestoreTest() { MakeKeptSyncer(); }

  void MakeKeptSyncer() {
    MakeSyncer(Fast());
    syncer_->AddListener(
        [this](v1::StoredNode node) { nodes_[node.node()] = node; });
    inventory_->AddListener([this](const Change& change) {
      if (change.record != nullptr) hosts_[change.host] = *change.record;
    });
  }

  // The process ends, and the next one finds what was kept. Returns what has
  // been written until then.
  size_t Restart() {
    const std::map<HostId, v1::Record> hosts = hosts_;
    const std::map<std::string, v1::StoredNode> nodes = nodes_;
    MakeKeptSyncer();
    std::vector<KeptRecord> records;
    for (const auto& [host, record] : hosts) records.push_back({record, {}});
    inventory_->Restore(std::move(records), 0);
    std::vector<v1::StoredNode> stored;
    for (const auto& [name, node] : nodes) stored.push_back(node);
    syncer_->Restore(stored);
    sequence_ += 1'000'000;
    return Writes();
  }
  void ReadAll(int hosts) {
    for (int i = 0; i < hosts; ++i) ObserveRunning(Host(i));
  }

  std::map<HostId, v1::Record> hosts_;
  std::map<std::string, v1::StoredNode> nodes_;
};

// Promise 5.
TEST_F(SyncerRestoreTest, UnchangedFleetCostsASearchPerThousandAndNoWrite) {
  SyncFleet(30);
  const size_t before = Restart();
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(sink_.search_count(), 1u);
  EXPECT_EQ(sink_.searched_for(), 30);
  ReadAll(30);
  PassWindow();
  EXPECT_EQ(Writes(), before);
  EXPECT_EQ(sink_.search_count(), 1u);
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(State(Host(i)), v1::SYNC_STATE_SYNCED) << i;
  }
}

TEST_F(SyncerRestoreTest, HostsReadBeforeTheSearchAnswersCostNoMore) {
  SyncFleet(30);
  const size_t before = Restart();
  ReadAll(30);
  PassWindow();
  Pass(absl::Seconds(1));
  EXPECT_EQ(sink_.search_count(), 1u);
  EXPECT_EQ(Writes(), before);
  EXPECT_EQ(State(Host(3)), v1::SYNC_STATE_SYNCED);
}

// Promise 3.
TEST_F(SyncerRestoreTest, ChangeWhileDownIsWrittenAfterTheFirstRead) {
  SyncFleet(10);
  const std::string old = sink_.digest(Host(4).node);
  const size_t before = Restart();
  Pass(absl::Seconds(1));
  EXPECT_EQ(Writes(), before);
  EXPECT_EQ(State(Host(4)), v1::SYNC_STATE_PENDING);
  ObserveShutOff(Host(4));
  PassWindow();
  EXPECT_EQ(Writes(), before + 1);
  EXPECT_NE(sink_.digest(Host(4).node), old);
  EXPECT_EQ(State(Host(4)), v1::SYNC_STATE_SYNCED);
}

// Promise 3: what was restored may be older than what Chef holds.
TEST_F(SyncerRestoreTest, NothingIsWrittenByARecordFromBeforeTheRestart) {
  SyncFleet(10);
  sink_.Clobber(Host(4).node);
  const size_t before = Restart();
  Pass(absl::Minutes(10));
  EXPECT_EQ(Writes(), before);
  EXPECT_THAT(syncer_->Status(Host(4)).last_error(),
              HasSubstr("before the restart"));
  Rewrite(Host(4));
  ASSERT_EQ(rewrites_.size(), 1u);
  EXPECT_THAT(rewrites_[0].status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Writes(), before);
  // Read, it is repaired, though it is as it was.
  ObserveRunning(Host(4));
  PassWindow();
  EXPECT_EQ(Writes(), before + 1);
  EXPECT_NE(sink_.digest(Host(4).node), "");
}

TEST_F(SyncerRestoreTest, NodeThatSomebodySavedOverWhileDownIsRepaired) {
  SyncFleet(10);
  const std::string digest = sink_.digest(Host(4).node);
  sink_.Clobber(Host(4).node);
  const size_t before = Restart();
  Pass(absl::Seconds(1));
  ReadAll(10);
  PassWindow();
  EXPECT_EQ(Writes(), before + 1);
  EXPECT_EQ(sink_.digest(Host(4).node), digest);
  EXPECT_EQ(syncer_->Status(Host(4)).overwrites(), 1);
}

TEST_F(SyncerRestoreTest, NodeOfAWriteUnderWayIsRead) {
  SyncFleet(10);
  sink_.Hold();
  ObserveShutOff(Host(4));
  PassWindow();
  ASSERT_TRUE(nodes_.at(Host(4).node).put_under_way());
  const std::map<std::string, v1::StoredNode> kept = nodes_;
  sink_.Release();
  nodes_ = kept;  // it died before that
  const size_t before = Restart();
  ReadAll(10);
  PassWindow();
  EXPECT_EQ(Writes(), before + 1);
  EXPECT_EQ(State(Host(4)), v1::SYNC_STATE_SYNCED);
  EXPECT_FALSE(nodes_.at(Host(4).node).put_under_way());
}

TEST_F(SyncerRestoreTest, SearchThatFailsIsTriedAgainAndThenNodesAreRead) {
  SyncFleet(10);
  sink_.SetSearch(absl::UnavailableError("no"));
  const size_t before = Restart();
  Pass(absl::Milliseconds(1));
  ReadAll(10);
  PassWindow();
  EXPECT_EQ(Writes(), before);
  EXPECT_EQ(State(Host(1)), v1::SYNC_STATE_PENDING) << "not seen yet";
  for (int i = 0; i < 120; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(sink_.search_count(), 5u);
  EXPECT_EQ(Writes(), before + 10);
  EXPECT_EQ(State(Host(1)), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerRestoreTest, SearchThatComesBackSparesTheReads) {
  SyncFleet(10);
  sink_.SetSearch(absl::UnavailableError("no"));
  const size_t before = Restart();
  Pass(absl::Milliseconds(1));
  ReadAll(10);
  sink_.SetSearch(absl::OkStatus());
  for (int i = 0; i < 10; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(sink_.search_count(), 2u);
  EXPECT_EQ(Writes(), before);
  EXPECT_EQ(State(Host(1)), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerRestoreTest, CountsAndTimesGoOn) {
  SyncFleet(10);
  const v1::SyncStatus before = syncer_->Status(Host(2));
  Restart();
  Pass(absl::Seconds(1));
  const v1::SyncStatus after = syncer_->Status(Host(2));
  EXPECT_EQ(after.applied_digest(), before.applied_digest());
  EXPECT_THAT(after.written_at(), EqualsProto(before.written_at()));
}

}  // namespace
}  // namespace rehai
