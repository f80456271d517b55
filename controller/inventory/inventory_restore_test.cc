// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the last run left.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/inventory_fixture.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// inventory_ is the run before; next_ the one after, which is told of what the
// first one's listeners heard last of each host.
class InventoryRestoreTest : public InventoryTest {
 protected:
  InventoryRestoreTest() {
    inventory_.AddListener([this](const Change& change) {
      kept_revision_ = change.revision;
      if (change.record == nullptr) {
        kept_.erase(change.host);
      } else {
        kept_[change.host] = {*change.record, change.held};
      }
    });
    inventory_.AddHost(kA, {{"rack", "r1"}});
    inventory_.AddHost(kB, {});
  }

  void Restart() {
    std::vector<KeptRecord> records;
    for (auto& [host, record] : kept_) records.push_back(record);
    next_.Restore(std::move(records), kept_revision_);
  }

  // A complete list, seen by the next run.
  absl::Status SeeNext(const HostId& host,
                       const std::vector<v1::Guest>& guests) {
    v1::Observation seen = Full(host, guests);
    seen.set_session(100);
    return next_.Observe(seen).status();
  }

  static std::string MessageOf(const Inventory& inventory, const HostId& host,
                               const std::string& type) {
    for (const v1::Condition& condition : inventory.Find(host)->conditions()) {
      if (condition.type() == type) return condition.message();
    }
    return "";
  }

  std::map<HostId, KeptRecord> kept_;
  Revision kept_revision_ = 0;
  FakeClock next_clock_;
  Inventory next_{next_clock_};
};

TEST_F(InventoryRestoreTest, RecordIsStaleAndSaysSinceWhenUntilItsHostIsRead) {
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  const std::string age =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", clock_.Now(), absl::UTCTimeZone());
  Restart();
  const RecordPtr record = next_.Find(kA);
  ASSERT_NE(record, nullptr);
  EXPECT_EQ(record->presence(), v1::PRESENCE_STALE);
  EXPECT_EQ(record->labels().at("rack"), "r1");
  EXPECT_EQ(next_.FindGuest(GuestId{"1"})->record->node(), "a");
  EXPECT_EQ(next_.FindGuestsByName("web").size(), 1u);
  EXPECT_THAT(MessageOf(next_, kA, kBeforeRestart),
              HasSubstr("as of " + age + ", before the restart"));
  EXPECT_TRUE(IsBeforeRestart(*record));

  ASSERT_THAT(SeeNext(kA, {Guest("1", "web")}), IsOk());
  EXPECT_EQ(next_.Find(kA)->presence(), v1::PRESENCE_CURRENT);
  EXPECT_FALSE(IsBeforeRestart(*next_.Find(kA)));
}

TEST_F(InventoryRestoreTest, PartOfAHostDoesNotEndTheDoubt) {
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  Restart();
  v1::Observation part = Full(kA, {Guest("2", "db")});
  part.set_session(100);
  part.set_full(false);
  ASSERT_TRUE(next_.Observe(part).ok());
  EXPECT_TRUE(IsBeforeRestart(*next_.Find(kA)));
}

TEST_F(InventoryRestoreTest, HostThatWasNeverSeenIsLeftToDiscovery) {
  Restart();
  EXPECT_EQ(next_.Find(kB), nullptr);
}

TEST_F(InventoryRestoreTest, RevisionsGoOnThoughTheClockWentBack) {
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  next_clock_.JumpWall(-absl::Hours(24 * 365));
  Inventory later(next_clock_);
  ASSERT_LT(later.revision(), kept_revision_);
  later.Restore({kept_.at(kA)}, kept_revision_);
  EXPECT_GT(later.revision(), kept_revision_);
  EXPECT_GT(later.Find(kA)->revision(), kept_revision_);
  // Who watched the last run begins again.
  EXPECT_THAT(later.ChangesAfter(kept_revision_, 10).status(),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(InventoryRestoreTest, GuestsThatTheBrakeHeldStayHeld) {
  std::vector<v1::Guest> all;
  for (const char* uuid : {"1", "2", "3", "4", "5", "6"}) {
    all.push_back(Guest(uuid, uuid));
  }
  ASSERT_THAT(See(kA, all), IsOk());
  ASSERT_THAT(See(kA, {all[0]}), IsOk());
  ASSERT_EQ(MissingFrom(kA).size(), 5u);
  Restart();
  EXPECT_NE(MessageOf(next_, kA, kMassDisappearance), "");
  ASSERT_THAT(SeeNext(kA, {all[0]}), IsOk());
  EXPECT_EQ(next_.Find(kA)->guests_size(), 6);
  // Few enough for the brake to let them go, if they had not been held.
  ASSERT_THAT(SeeNext(kA, {all[0], all[1], all[2], all[3]}), IsOk());
  EXPECT_EQ(next_.Find(kA)->guests_size(), 6);
  EXPECT_THAT(*next_.ConfirmDisappearance(kA),
              ElementsAre(GuestId{"5"}, GuestId{"6"}));
}

TEST_F(InventoryRestoreTest, GuestOnItsWayMayGoWithTheNextList) {
  ASSERT_THAT(See(kA, {Guest("1", "web"), Guest("2", "db")}), IsOk());
  v1::Observation moving = Full(kA, {Guest("1", "web")});
  moving.add_moving_uuids("2");
  ASSERT_TRUE(inventory_.Observe(moving).ok());
  ASSERT_THAT(MissingFrom(kA), ElementsAre("2"));
  Restart();
  EXPECT_EQ(next_.Find(kA)->guests_size(), 2);
  ASSERT_THAT(SeeNext(kA, {Guest("1", "web")}), IsOk());
  EXPECT_EQ(next_.Find(kA)->guests_size(), 1);
}

TEST_F(InventoryRestoreTest, ListenersHearOfWhatIsRestored) {
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  std::vector<HostId> heard;
  next_.AddListener(
      [&heard](const Change& change) { heard.push_back(change.host); });
  Restart();
  EXPECT_THAT(heard, ElementsAre(kA));
}

TEST_F(InventoryRestoreTest, ConditionsOfTheLastRunsConnectionsAreNotRestored) {
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  for (const char* type : {kUnreachable, kHostUuidChanged, kLeftDiscovery}) {
    v1::Condition condition;
    condition.set_type(type);
    condition.set_message("m");
    ASSERT_THAT(inventory_.SetCondition(kA, condition), IsOk());
  }
  Restart();
  EXPECT_EQ(next_.Find(kA)->conditions_size(), 1);
}

TEST_F(InventoryRestoreTest, SecondRestartKeepsTheFirstOnesAge) {
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  Restart();
  const std::string message = MessageOf(next_, kA, kBeforeRestart);
  next_clock_.Advance(absl::Hours(1));
  Inventory third(next_clock_);
  third.Restore({{*next_.Find(kA), {}}}, next_.revision());
  EXPECT_EQ(MessageOf(third, kA, kBeforeRestart), message);
}

}  // namespace
}  // namespace rehai
