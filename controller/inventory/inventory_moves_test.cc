// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Guests that move from host to host.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "controller/inventory/inventory_fixture.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr v1::GuestState kOff = v1::GUEST_STATE_SHUT_OFF;

// Guest 1 runs on host a, host b is empty.
class InventoryMovesTest : public InventoryTest {
 protected:
  InventoryMovesTest() {
    inventory_.AddHost(kA, {});
    inventory_.AddHost(kB, {});
    EXPECT_THAT(See(kA, {Guest("1", "web")}), IsOk());
    EXPECT_THAT(See(kB, {}), IsOk());
  }

  // A complete list of host a, which lacks guest 1 as it is on its way.
  void Leave() {
    v1::Observation observation = Full(kA, {});
    observation.add_moving_uuids("1");
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }
  void Arrive() { ASSERT_THAT(See(kB, {Guest("1", "web")}), IsOk()); }
};

TEST_F(InventoryMovesTest, AGuestOnItsWayStaysUntilItIsSeenToArrive) {
  Leave();
  EXPECT_EQ(Where("1"), "a");
  EXPECT_THAT(MissingFrom(kA), ElementsAre("1"));
  EXPECT_EQ(inventory_.Find(kA)->conditions_size(), 0);
  Leave();
  EXPECT_EQ(Where("1"), "a");

  Arrive();
  EXPECT_EQ(Where("1"), "b");
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_THAT(MissingFrom(kA), IsEmpty());
}

TEST_F(InventoryMovesTest, APartialLookTellsOfAMoveToo) {
  for (const bool is_undefined : {false, true}) {
    v1::Observation partial = Full(kA, {});
    partial.set_full(false);
    partial.add_moving_uuids("1");
    // Not there any more, since it is on its way.
    if (is_undefined) partial.add_removed_uuids("1");
    ASSERT_THAT(inventory_.Observe(partial), IsOk());
    EXPECT_EQ(Where("1"), "a");
    EXPECT_THAT(MissingFrom(kA), ElementsAre("1"));
  }
}

TEST_F(InventoryMovesTest, ALookAtOthersLeavesAMoveAsItIs) {
  Leave();
  v1::Observation other = Full(kA, {Guest("2", "db")});
  other.set_full(false);
  ASSERT_THAT(inventory_.Observe(other), IsOk());
  EXPECT_THAT(MissingFrom(kA), ElementsAre("1"));
  Arrive();
  EXPECT_THAT(Guests(kA), ElementsAre("2"));
}

TEST_F(InventoryMovesTest, AMoveThatNobodyTellsOfAnyMoreEndsInItsEnd) {
  Leave();
  ASSERT_THAT(See(kA, {}), IsOk());
  EXPECT_EQ(Where("1"), "");
}

TEST_F(InventoryMovesTest, AMoveThatFailedEndsWhereItBegan) {
  Leave();
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  EXPECT_THAT(MissingFrom(kA), IsEmpty());
  EXPECT_EQ(Where("1"), "a");
}

TEST_F(InventoryMovesTest, AnArrivalThatWasSeenFirstEndsTheMoveAtOnce) {
  Arrive();
  Leave();
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_EQ(Where("1"), "b");
}

TEST_F(InventoryMovesTest, AGuestThatMovesWhileOffArrivesByItsDefinition) {
  ASSERT_THAT(See(kA, {Guest("1", "web", kOff)}), IsOk());
  Leave();
  ASSERT_THAT(See(kB, {Guest("1", "web", kOff)}), IsOk());
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_EQ(Where("1"), "b");
}

TEST_F(InventoryMovesTest, ADefinitionLeftBehindEarlierIsNoArrival) {
  ASSERT_THAT(See(kB, {Guest("1", "web", kOff)}), IsOk());
  Leave();
  ASSERT_THAT(See(kB, {Guest("1", "web", kOff)}), IsOk());
  EXPECT_THAT(MissingFrom(kA), ElementsAre("1"));
  EXPECT_EQ(Where("1"), "a") << "it was last seen to run there";
  Arrive();
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_EQ(Where("1"), "b");
}

TEST_F(InventoryMovesTest, AGuestIsWhereItRunsNotWhereItIsMissing) {
  // Host b falls silent right after the guest came to it.
  Arrive();
  ASSERT_THAT(inventory_.SetPresence(kB, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  Leave();
  EXPECT_THAT(MissingFrom(kA), ElementsAre("1"));
  EXPECT_EQ(Where("1"), "b");
}

// From c to a and on to b, and c was not read since it left there.
TEST_F(InventoryMovesTest, AnEarlierHostThatWasNotReadSinceIsNoArrival) {
  const HostId c{"c"};
  inventory_.AddHost(c, {});
  ASSERT_THAT(See(c, {Guest("2", "db")}), IsOk());
  ASSERT_THAT(See(kA, {Guest("1", "web"), Guest("2", "db")}), IsOk());
  v1::Observation left = Full(kA, {Guest("1", "web")});
  left.add_moving_uuids("2");
  ASSERT_THAT(inventory_.Observe(left), IsOk());
  EXPECT_THAT(MissingFrom(kA), ElementsAre("2"));
  ASSERT_THAT(See(c, {}), IsOk());
  EXPECT_EQ(Where("2"), "a");
  ASSERT_THAT(See(kB, {Guest("2", "db")}), IsOk());
  EXPECT_EQ(Where("2"), "b");
}

// Its definition was there all along, so it does not come there, it starts.
TEST_F(InventoryMovesTest, AStartElsewhereThatWasSeenFirstEndsTheMoveAtOnce) {
  ASSERT_THAT(See(kB, {Guest("2", "db", kOff)}), IsOk());
  ASSERT_THAT(See(kA, {Guest("2", "db")}), IsOk());
  ASSERT_THAT(See(kB, {Guest("2", "db")}), IsOk());
  v1::Observation left = Full(kA, {});
  left.add_moving_uuids("2");
  ASSERT_THAT(inventory_.Observe(left), IsOk());
  EXPECT_THAT(Guests(kA), IsEmpty());
  EXPECT_EQ(Where("2"), "b");
}

TEST_F(InventoryMovesTest, FollowersSeeAGuestComeBeforeItGoes) {
  Leave();
  const Revision before = inventory_.revision();
  std::vector<Change> heard;
  inventory_.AddListener([&](const Change& c) { heard.push_back(c); });

  Arrive();

  EXPECT_EQ(inventory_.revision(), before + 2);
  const auto first = inventory_.ChangesAfter(before, 1);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(first->changes, SizeIs(1));
  EXPECT_EQ(first->changes[0].host, kB);
  ASSERT_THAT(heard, SizeIs(2));
  EXPECT_EQ(heard[0].host, kB);
  EXPECT_EQ(heard[1].host, kA);
  EXPECT_EQ(heard[1].record, inventory_.Find(kA));
}

// Promise 1: no reader ever finds a moving guest nowhere.
TEST_F(InventoryMovesTest, NoReaderFindsAMovingGuestNowhere) {
  std::atomic<bool> moving = true;
  std::thread reader([&] {
    while (moving) {
      ASSERT_NE(Where("1"), "");
      ASSERT_THAT(inventory_.FindGuestsByName("web"), SizeIs(1));
      const auto view = inventory_.View();
      ASSERT_TRUE(std::any_of(view->records.begin(), view->records.end(),
                              [](const RecordPtr& record) {
                                return FindGuest(*record, GuestId{"1"});
                              }));
    }
  });
  for (int i = 0; i < 500; ++i) {
    const HostId& from = i % 2 == 0 ? kA : kB;
    const HostId& to = i % 2 == 0 ? kB : kA;
    v1::Observation left = Full(from, {});
    left.add_moving_uuids("1");
    EXPECT_THAT(inventory_.Observe(left), IsOk());
    EXPECT_THAT(See(to, {Guest("1", "web")}), IsOk());
  }
  moving = false;
  reader.join();
}

}  // namespace
}  // namespace rehai
