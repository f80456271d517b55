// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The brake on mass disappearance.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/inventory/inventory_fixture.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<std::string> kAllSix = {"1", "2", "3", "4", "5", "6"};

// Host a has six guests, host b is empty.
class InventoryBrakeTest : public InventoryTest {
 protected:
  InventoryBrakeTest() {
    inventory_.AddHost(kA, {});
    inventory_.AddHost(kB, {});
    EXPECT_THAT(See(kA, Running(kAllSix)), IsOk());
    EXPECT_THAT(See(kB, {}), IsOk());
    inventory_.AddListener(
        [this](const Change& change) { heard_.push_back(change); });
  }

  static std::vector<v1::Guest> Running(const std::vector<std::string>& uuids) {
    std::vector<v1::Guest> guests;
    for (const std::string& uuid : uuids) {
      guests.push_back(Guest(uuid, "name" + uuid));
    }
    return guests;
  }
  void SeeRunning(const HostId& host, const std::vector<std::string>& uuids) {
    ASSERT_THAT(See(host, Running(uuids)), IsOk());
  }

  // The host's condition, or nullptr.
  const v1::Condition* Condition(const HostId& host) {
    record_ = inventory_.Find(host);
    for (const v1::Condition& condition : record_->conditions()) {
      if (condition.type() == kMassDisappearance) return &condition;
    }
    return nullptr;
  }

  std::vector<Change> heard_;
  RecordPtr record_;
};

TEST_F(InventoryBrakeTest, AHostThatComesBackEmptyIsNotBelieved) {
  const v1::Record before = *inventory_.Find(kA);
  ASSERT_THAT(inventory_.SetPresence(kA, v1::PRESENCE_UNKNOWN, std::nullopt),
              IsOk());
  v1::Observation empty = Full(kA, {});
  empty.set_session(2);

  const auto observed = inventory_.Observe(empty);

  ASSERT_THAT(observed, IsOk());
  EXPECT_THAT(observed->gone, IsEmpty());
  ASSERT_THAT(Guests(kA), ElementsAreArray(kAllSix));
  EXPECT_THAT(MissingFrom(kA), ElementsAreArray(kAllSix));
  for (int i = 0; i < before.guests_size(); ++i) {
    EXPECT_THAT(inventory_.Find(kA)->guests(i), EqualsProto(before.guests(i)));
    EXPECT_EQ(Where(before.guests(i).uuid()), "a");
  }
  ASSERT_NE(Condition(kA), nullptr);
  EXPECT_THAT(Condition(kA)->message(), HasSubstr("6 of its 6 guests"));
  EXPECT_EQ(inventory_.Find(kA)->presence(), v1::PRESENCE_CURRENT);
}

TEST_F(InventoryBrakeTest, AFewGuestsMayGo) {
  SeeRunning(kA, {"1", "2", "3"});
  EXPECT_THAT(Guests(kA), ElementsAre("1", "2", "3"));
  SeeRunning(kA, {});
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_EQ(Condition(kA), nullptr);
}

TEST_F(InventoryBrakeTest, TheRestOfTheObservationIsTakenOver) {
  const auto observed =
      inventory_.Observe(Full(kA, {Guest("1", "name1", v1::GUEST_STATE_PAUSED),
                                   Guest("7", "new"), Guest("2", "name2")}));
  ASSERT_THAT(observed, IsOk());
  EXPECT_THAT(observed->appeared, ElementsAre(GuestId{"7"}));
  EXPECT_THAT(observed->changed, ElementsAre(GuestId{"1"}));
  EXPECT_THAT(MissingFrom(kA), ElementsAre("3", "4", "5", "6"));
  EXPECT_THAT(Guests(kA), SizeIs(7));
}

TEST_F(InventoryBrakeTest, TheSameListAgainConfirmsNothing) {
  SeeRunning(kA, {});
  const Revision held = inventory_.revision();
  for (int i = 0; i < 10; ++i) SeeRunning(kA, {});
  EXPECT_THAT(MissingFrom(kA), ElementsAreArray(kAllSix));
  EXPECT_EQ(inventory_.revision(), held) << "nothing had changed";
}

TEST_F(InventoryBrakeTest, GuestsThatComeBackDoNotLetTheOthersGo) {
  SeeRunning(kA, {});
  const int64_t since = Condition(kA)->since().seconds();
  SeeRunning(kA, {"1", "2", "3", "4", "5"});
  EXPECT_THAT(Guests(kA), ElementsAreArray(kAllSix));
  EXPECT_THAT(MissingFrom(kA), ElementsAre("6"));
  ASSERT_NE(Condition(kA), nullptr);
  EXPECT_THAT(Condition(kA)->message(), HasSubstr("1 of its 6 guests"));
  EXPECT_EQ(Condition(kA)->since().seconds(), since);

  SeeRunning(kA, kAllSix);
  EXPECT_THAT(MissingFrom(kA), IsEmpty());
  EXPECT_EQ(Condition(kA), nullptr);
}

TEST_F(InventoryBrakeTest, WhatIsNewlyLackingIsDecidedAnew) {
  SeeRunning(kA, {});
  SeeRunning(kA, {"1", "2", "3", "4", "5"});
  SeeRunning(kA, {"1", "2", "3", "4"});
  EXPECT_THAT(Guests(kA), ElementsAre("1", "2", "3", "4", "6"));
  EXPECT_THAT(MissingFrom(kA), ElementsAre("6"));
}

TEST_F(InventoryBrakeTest, AnEventThatTellsOfAnEndEndsAHold) {
  SeeRunning(kA, {});
  v1::Observation full = Full(kA, {});
  full.add_removed_uuids("1");
  ASSERT_THAT(inventory_.Observe(full), IsOk());
  v1::Observation partial = Full(kA, {});
  partial.set_full(false);
  partial.add_removed_uuids("2");
  ASSERT_THAT(inventory_.Observe(partial), IsOk());
  EXPECT_THAT(MissingFrom(kA), ElementsAre("3", "4", "5", "6"));
  EXPECT_THAT(Guests(kA), ElementsAre("3", "4", "5", "6"));
  EXPECT_THAT(Condition(kA)->message(), HasSubstr("4 of its 4 guests"));
}

TEST_F(InventoryBrakeTest, AnySightingEndsAHold) {
  SeeRunning(kA, {});
  v1::Observation partial = Full(kA, {Guest("1", "name1")});
  partial.set_full(false);
  ASSERT_THAT(inventory_.Observe(partial), IsOk());
  EXPECT_THAT(MissingFrom(kA), ElementsAre("2", "3", "4", "5", "6"));
  // Listed, and then it could not be read.
  v1::Observation unread = Full(kA, {Guest("1", "name1")});
  unread.add_unread_uuids("2");
  ASSERT_THAT(inventory_.Observe(unread), IsOk());
  EXPECT_THAT(MissingFrom(kA), ElementsAre("3", "4", "5", "6"));
}

TEST_F(InventoryBrakeTest, GuestsThatRunElsewhereAreNotHeld) {
  SeeRunning(kB, {"1", "2", "3"});
  SeeRunning(kA, {});
  EXPECT_THAT(Guests(kA), IsEmpty()) << "three are not enough";
  EXPECT_EQ(Condition(kA), nullptr);
  EXPECT_EQ(Where("1"), "b");
}

TEST_F(InventoryBrakeTest, AHeldGuestGoesWhenItIsSeenToRunElsewhere) {
  SeeRunning(kA, {});
  heard_.clear();
  SeeRunning(kB, {"1", "2", "3", "4"});
  EXPECT_THAT(Guests(kA), ElementsAre("5", "6"));
  EXPECT_THAT(MissingFrom(kA), ElementsAre("5", "6"));
  EXPECT_THAT(Condition(kA)->message(), HasSubstr("2 of its 2 guests"));
  EXPECT_THAT(heard_, SizeIs(2)) << "one change for each host";
  SeeRunning(kB, {"1", "2", "3", "4", "5", "6"});
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_EQ(Condition(kA), nullptr);
}

TEST_F(InventoryBrakeTest, ADefinitionElsewhereEndsNoHold) {
  SeeRunning(kA, {});
  ASSERT_THAT(See(kB, {Guest("1", "name1", v1::GUEST_STATE_SHUT_OFF)}), IsOk());
  EXPECT_THAT(Guests(kA), ElementsAreArray(kAllSix));
}

// The guests of a host that died, restarted elsewhere, and that host is silent
// now: what it said then is not known to be so still.
TEST_F(InventoryBrakeTest, ASilentHostIsNoWitness) {
  SeeRunning(kB, kAllSix);
  ASSERT_THAT(inventory_.SetPresence(kB, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  SeeRunning(kA, {});
  EXPECT_THAT(MissingFrom(kA), ElementsAreArray(kAllSix));
}

TEST_F(InventoryBrakeTest, AHostInDoubtIsNoWitness) {
  SeeRunning(kB, kAllSix);
  v1::Condition doubt;
  doubt.set_type(kDuplicateHostUuid);
  ASSERT_THAT(inventory_.SetCondition(kB, doubt), IsOk());
  SeeRunning(kA, {});
  EXPECT_THAT(MissingFrom(kA), ElementsAreArray(kAllSix));
}

// A claim may lead to another hypervisor than the host's own, and its node is
// not written: a guest must not vanish from the only node that shows it.
TEST_F(InventoryBrakeTest, WhatAHostInDoubtShowsIsNoArrival) {
  v1::Condition doubt;
  doubt.set_type(kNodeClaimedTwice);
  ASSERT_THAT(inventory_.SetCondition(kB, doubt), IsOk());
  SeeRunning(kA, {});
  SeeRunning(kB, kAllSix);
  EXPECT_THAT(MissingFrom(kA), ElementsAreArray(kAllSix));

  ASSERT_THAT(inventory_.ClearCondition(kB, kNodeClaimedTwice), IsOk());
  SeeRunning(kB, kAllSix);
  EXPECT_THAT(Guests(kA), IsEmpty());
}

TEST_F(InventoryBrakeTest, SilenceChangesNothingOfWhatIsHeld) {
  SeeRunning(kA, {});
  const v1::Record held = *inventory_.Find(kA);
  for (const v1::Presence presence :
       {v1::PRESENCE_STALE, v1::PRESENCE_UNKNOWN, v1::PRESENCE_CURRENT}) {
    ASSERT_THAT(inventory_.SetPresence(kA, presence, std::nullopt), IsOk());
    v1::Record expected = held;
    expected.set_presence(presence);
    expected.set_revision(inventory_.revision());
    EXPECT_THAT(*inventory_.Find(kA), EqualsProto(expected));
  }
  SeeRunning(kA, {});
  EXPECT_THAT(MissingFrom(kA), ElementsAreArray(kAllSix));
}

TEST_F(InventoryBrakeTest, ConfirmedGuestsAreGone) {
  SeeRunning(kA, {"1"});
  heard_.clear();

  const auto gone = inventory_.ConfirmDisappearance(kA);

  ASSERT_THAT(gone, IsOk());
  EXPECT_THAT(*gone, ElementsAre(GuestId{"2"}, GuestId{"3"}, GuestId{"4"},
                                 GuestId{"5"}, GuestId{"6"}));
  EXPECT_THAT(Guests(kA), ElementsAre("1"));
  EXPECT_THAT(MissingFrom(kA), IsEmpty());
  EXPECT_EQ(Condition(kA), nullptr);
  EXPECT_EQ(Where("2"), "");
  EXPECT_THAT(inventory_.FindGuestsByName("name2"), IsEmpty());
  ASSERT_THAT(heard_, SizeIs(1));
  EXPECT_EQ(heard_[0].record, inventory_.Find(kA));
  EXPECT_EQ(heard_[0].revision, inventory_.revision());
}

TEST_F(InventoryBrakeTest, OnlyWhatIsHeldCanBeConfirmed) {
  EXPECT_THAT(inventory_.ConfirmDisappearance(HostId{"nobody"}),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(inventory_.ConfirmDisappearance(kA),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  SeeRunning(kA, {});
  ASSERT_THAT(inventory_.ConfirmDisappearance(kA), IsOk());
  EXPECT_THAT(inventory_.ConfirmDisappearance(kA),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(InventoryBrakeTest, AGuestOnItsWayIsNotConfirmedAlong) {
  v1::Observation empty = Full(kA, {});
  empty.add_moving_uuids("1");
  ASSERT_THAT(inventory_.Observe(empty), IsOk());
  ASSERT_THAT(inventory_.ConfirmDisappearance(kA), IsOk());
  EXPECT_THAT(Guests(kA), ElementsAre("1"));
  EXPECT_THAT(MissingFrom(kA), ElementsAre("1"));
}

TEST_F(InventoryBrakeTest, AHostThatLeavesTakesWhatIsHeldAlong) {
  SeeRunning(kA, {});
  inventory_.RemoveHost(kA);
  inventory_.AddHost(kA, {});
  EXPECT_THAT(inventory_.ConfirmDisappearance(kA),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Where("1"), "");
  SeeRunning(kB, {"1"});
  EXPECT_EQ(Where("1"), "b");
}

TEST(InventoryBrakeOptionsTest, AShareOfOneTakesTheBrakeOff) {
  FakeClock clock;
  Inventory inventory(clock, {.share = 1});
  inventory.AddHost(kA, {});
  v1::Observation observation;
  observation.set_node("a");
  observation.set_full(true);
  for (int i = 0; i < 9; ++i) {
    observation.add_guests()->set_uuid(std::to_string(i));
  }
  ASSERT_THAT(inventory.Observe(observation), IsOk());
  observation.clear_guests();
  observation.set_sequence(1);
  ASSERT_THAT(inventory.Observe(observation), IsOk());
  EXPECT_THAT(inventory.Find(kA)->guests(), IsEmpty());
}

}  // namespace
}  // namespace rehai
