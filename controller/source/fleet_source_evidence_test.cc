// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the source makes of guests that a host lists no more, and of hosts that
// may not be who they are taken for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/inventory/record.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using hypervisor::GuestEvent;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const GuestId kWeb{"web-uuid"};

// Two hosts; the guest is on the first.
class FleetSourceMovesTest : public FleetSourceTest {
 protected:
  void StartWithGuest() {
    Host(0).SetGuest(Guest(kWeb.uuid, "web"));
    Start(2);
    ASSERT_TRUE(AwaitGuests(1, 0));
    ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 1));
  }
  // Until the host's record has been confirmed by that many reads.
  bool AwaitSequence(int64_t sequence, int i = 0) {
    return Await([&](const v1::Record& r) { return r.sequence() >= sequence; },
                 i);
  }
  std::string Where() {
    const auto location = inventory_.FindGuest(kWeb);
    return location.has_value() ? location->record->node() : "nowhere";
  }
};

TEST_F(FleetSourceMovesTest,
       AGuestThatMigratedAwayStaysUntilItIsSeenElsewhere) {
  StartWithGuest();
  Host(0).RemoveGuest(kWeb.uuid);
  Host(0).EmitGuestEvent(kWeb, GuestEvent::kMigratedAway);
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitSequence(2, 0));
  EXPECT_EQ(Where(), NodeOf(0)) << "it is nowhere else yet";

  Host(1).SetGuest(Guest(kWeb.uuid, "web"));
  Host(1).EmitGuestEvent(kWeb);
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitGuests(1, 1));
  EXPECT_EQ(Where(), NodeOf(1));
  EXPECT_TRUE(AwaitGuests(0, 0));
}

TEST_F(FleetSourceMovesTest, AGuestThatMigratedOutOfTheFleetIsGoneAfterAWhile) {
  StartWithGuest();
  Host(0).RemoveGuest(kWeb.uuid);
  Host(0).EmitGuestEvent(kWeb, GuestEvent::kMigratedAway);
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitSequence(2, 0));
  clock_.Advance(options_.move_timeout - absl::Seconds(1));
  EXPECT_EQ(Where(), NodeOf(0));
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(AwaitGuests(0, 0)) << "the host is read for it";
  EXPECT_EQ(source_->Status().missed_events(), 0);
}

TEST_F(FleetSourceMovesTest, AGuestThatAnotherHostIsAboutToShowStays) {
  StartWithGuest();
  // The new host knows first, and is slow to be read.
  Host(1).SetGuest(Guest(kWeb.uuid, "web"));
  Host(1).HoldReads();
  Host(1).EmitGuestEvent(kWeb);
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(Host(1).AwaitReads(2));
  Host(0).RemoveGuest(kWeb.uuid);
  Host(0).EmitGuestEvent(kWeb);
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitSequence(2, 0));
  EXPECT_EQ(Where(), NodeOf(0));

  Host(1).ReleaseReads();
  ASSERT_TRUE(AwaitGuests(1, 1));
  EXPECT_EQ(Where(), NodeOf(1));
  EXPECT_TRUE(AwaitGuests(0, 0));
}

TEST_F(FleetSourceMovesTest, AGuestThatNobodyElseSpeaksOfSoonIsGone) {
  StartWithGuest();
  Host(0).RemoveGuest(kWeb.uuid);
  Host(0).EmitGuestEvent(kWeb);
  ASSERT_TRUE(AwaitSequence(2, 0));
  EXPECT_EQ(Where(), NodeOf(0)) << "another host's event may be on its way";
  clock_.Advance(Moves::Options().settle);
  ASSERT_TRUE(AwaitSequence(3, 0));
  EXPECT_EQ(Where(), "nowhere");
}

TEST_F(FleetSourceMovesTest, AnEventOfAnotherGuestEndsNoWaitForAnotherHosts) {
  StartWithGuest();
  Host(0).RemoveGuest(kWeb.uuid);
  Host(0).EmitGuestEvent(kWeb);
  ASSERT_TRUE(AwaitSequence(2, 0));
  Host(0).EmitGuestEvent(GuestId{"db-uuid"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitSequence(3, 0));
  EXPECT_EQ(Where(), NodeOf(0));
  clock_.Advance(Moves::Options().settle - options_.event_window);
  EXPECT_TRUE(AwaitGuests(0, 0));
}

TEST_F(FleetSourceMovesTest, GuestsWhoseEndWasToldAreNotHeldByTheBrake) {
  constexpr int kGuests = 20;
  for (int i = 0; i < kGuests; ++i) {
    Host(0).SetGuest(Guest(absl::StrCat("g", i), "web"));
    Host(1).SetGuest(Guest(absl::StrCat("h", i), "web"));
  }
  Start(2);
  ASSERT_TRUE(AwaitGuests(kGuests, 0));
  ASSERT_TRUE(AwaitGuests(kGuests, 1));
  for (int i = 0; i < kGuests; ++i) {
    Host(0).RemoveGuest(absl::StrCat("g", i));
    Host(1).RemoveGuest(absl::StrCat("h", i));
    Host(0).EmitGuestEvent(GuestId{absl::StrCat("g", i)},
                           GuestEvent::kUndefined);
  }
  Host(1).EmitHostEvent();
  clock_.Advance(options_.event_window);
  clock_.Advance(Moves::Options().settle);
  EXPECT_TRUE(AwaitGuests(0, 0));
  ASSERT_TRUE(Await(
      [](const v1::Record& r) { return r.missing_uuids_size() == kGuests; },
      1));
  clock_.Advance(Moves::Options().settle);
  ASSERT_TRUE(Await(
      [](const v1::Record& r) { return HasCondition(r, kMassDisappearance); },
      1));
  EXPECT_EQ(Record(1)->guests_size(), kGuests) << "no event told of these";
}

// Many guests on one host, of which it tells something, and that it then does
// not list.
class FleetSourceBrakeTest : public FleetSourceTest {
 protected:
  static constexpr int kGuests = 20;

  static GuestId IdOf(int i) { return {absl::StrCat("g", i)}; }
  void StartWithGuests(bool persistent = true) {
    for (int i = 0; i < kGuests; ++i) {
      v1::Guest guest = Guest(IdOf(i).uuid, "web");
      guest.set_persistent(persistent);
      Host().SetGuest(guest);
    }
    Start();
    ASSERT_TRUE(AwaitGuests(kGuests));
    // What is told from here on, until the window has passed, makes one read.
    const int reads = Host().reads();
    Host().EmitHostEvent();
    ASSERT_TRUE(Host().AwaitReads(reads + 1));
  }
  void ListNothing() {
    for (int i = 0; i < kGuests; ++i) Host().RemoveGuest(IdOf(i).uuid);
  }
  void Tell(GuestEvent event) {
    for (int i = 0; i < kGuests; ++i) Host().EmitGuestEvent(IdOf(i), event);
  }
  // What is told is read, and what may have moved has not.
  void Settle() {
    clock_.Advance(options_.event_window);
    clock_.Advance(Moves::Options().settle);
  }
  // Held are those that nothing was told of by then.
  bool AwaitHeld() {
    if (!Await([](const v1::Record& r) {
          return r.missing_uuids_size() == kGuests;
        })) {
      return false;
    }
    clock_.Advance(options_.move_settle);
    return Await([](const v1::Record& r) {
             return HasCondition(r, kMassDisappearance);
           }) &&
           Record()->guests_size() == kGuests;
  }
};

TEST_F(FleetSourceBrakeTest, HoldsGuestsOfWhichEventsToldSomethingElse) {
  StartWithGuests();
  ListNothing();
  Tell(GuestEvent::kChanged);
  Settle();
  EXPECT_TRUE(AwaitHeld());
}

TEST_F(FleetSourceBrakeTest, HoldsGuestsThatStoppedAndHadADefinition) {
  StartWithGuests(/*persistent=*/true);
  ListNothing();
  Tell(GuestEvent::kStopped);
  Settle();
  EXPECT_TRUE(AwaitHeld());
}

TEST_F(FleetSourceBrakeTest, DoesNotHoldTransientGuestsThatStopped) {
  StartWithGuests(/*persistent=*/false);
  ListNothing();
  Tell(GuestEvent::kStopped);
  Settle();
  EXPECT_TRUE(AwaitGuests(0));
}

TEST_F(FleetSourceBrakeTest, HoldsGuestsThatCameBackAfterTheirEnd) {
  StartWithGuests();
  ListNothing();
  Tell(GuestEvent::kUndefined);
  Tell(GuestEvent::kPresent);
  Settle();
  EXPECT_TRUE(AwaitHeld());
}

TEST_F(FleetSourceBrakeTest, AReturnTakesBackAnEndThatAReadHasSeen) {
  StartWithGuests();
  ListNothing();
  Tell(GuestEvent::kMigratedAway);
  Settle();
  ASSERT_TRUE(Await(
      [](const v1::Record& r) { return r.missing_uuids_size() == kGuests; }));
  ASSERT_FALSE(HasCondition(*Record(), kMassDisappearance));
  Tell(GuestEvent::kPresent);
  Settle();
  EXPECT_TRUE(AwaitHeld());
}

TEST_F(FleetSourceBrakeTest, LetsGuestsGoWhoseEndIsToldLate) {
  StartWithGuests();
  ListNothing();
  Tell(GuestEvent::kChanged);
  Settle();
  ASSERT_TRUE(AwaitHeld());
  Tell(GuestEvent::kUndefined);
  Settle();
  EXPECT_TRUE(AwaitGuests(0));
}

class FleetSourceIdentityTest : public FleetSourceTest {
 protected:
  void SetUuid(int i, const std::string& uuid) {
    v1::HostFacts facts;
    facts.set_uuid(uuid);
    Host(i).SetFacts(facts);
  }
  absl::Status RereadStatus(int i) {
    Answers answers;
    source_->Reread(HostId{NodeOf(i)}, answers.Callback());
    const std::vector<absl::Status> statuses = answers.Await();
    return statuses.empty() ? absl::DeadlineExceededError("no answer")
                            : statuses[0];
  }
};

TEST_F(FleetSourceIdentityTest,
       AHostWithAnotherUuidIsNotBelievedUntilAccepted) {
  SetUuid(0, "uuid-old");
  Host(0).SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  SetUuid(0, "uuid-new");
  Host(0).SetGuest(Guest("2", "db"));
  EXPECT_THAT(RereadStatus(0), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("identity")));
  ASSERT_TRUE(AwaitCondition(kHostUuidChanged, true, 0));
  EXPECT_EQ(Record()->guests_size(), 1) << "not merged";
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
  EXPECT_EQ(Host().open_connections(), 1) << "it stays connected";

  EXPECT_THAT(source_->AcceptIdentity(HostId{NodeOf(0)}).value(), "uuid-new");
  ASSERT_TRUE(AwaitGuests(2));
  EXPECT_TRUE(AwaitCondition(kHostUuidChanged, false, 0));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_CURRENT);
}

TEST_F(FleetSourceIdentityTest, OnlyAChangeOfAKnownHostCanBeAccepted) {
  SetUuid(0, "uuid-0");
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_THAT(source_->AcceptIdentity(HostId{NodeOf(0)}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(source_->AcceptIdentity(HostId{"nobody"}).status(),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FleetSourceIdentityTest,
       TwoHostsWithOneUuidAreBothInDoubtUntilOneLeaves) {
  SetUuid(0, "same");
  SetUuid(1, "same");
  options_.workers = 4;  // so that one dial does not wait for the other
  Host(1).HoldDials();
  Start(2);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 0));
  Host(1).ReleaseDials();
  ASSERT_TRUE(AwaitCondition(kDuplicateHostUuid, true, 0));
  ASSERT_TRUE(AwaitCondition(kDuplicateHostUuid, true, 1));
  EXPECT_EQ(Record(1)->presence(), v1::PRESENCE_NEVER_SEEN);

  Host(0).SetGuest(Guest("1", "web"));
  clock_.Advance(absl::Seconds(1));
  source_->SetHosts({FoundAs(0)});
  // Nobody asks: the host is read again because its doubt is over.
  EXPECT_TRUE(AwaitGuests(1, 0));
  EXPECT_TRUE(AwaitCondition(kDuplicateHostUuid, false, 0));
}

TEST_F(FleetSourceIdentityTest, AHostInDoubtIsReachableAllTheSame) {
  SetUuid(0, "uuid-old");
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  SetUuid(0, "uuid-new");
  Host().Drop("end of file");
  ASSERT_TRUE(AwaitCondition(kUnreachable, true, 0));
  clock_.Advance(options_.reconnect.max);
  ASSERT_TRUE(AwaitCondition(kHostUuidChanged, true, 0));
  EXPECT_TRUE(AwaitCondition(kUnreachable, false, 0));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
}

TEST_F(FleetSourceIdentityTest, AnotherUriMayAnswerWithAnotherUuid) {
  SetUuid(0, "uuid-old");
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  FoundHost found = FoundAs(0);
  found.uri = "fake://hv0-new/";
  v1::HostFacts facts;
  facts.set_uuid("uuid-new");
  dialer_.host(found.uri).SetFacts(facts);
  source_->SetHosts({found});
  ASSERT_TRUE(Await(
      [](const v1::Record& r) { return r.facts().uuid() == "uuid-new"; }));
  EXPECT_FALSE(HasCondition(*Record(), kHostUuidChanged));
}

}  // namespace
}  // namespace rehai
