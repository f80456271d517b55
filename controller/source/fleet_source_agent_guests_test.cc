// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What becomes of guests that an agent's reports lack or are doubted of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/inventory/record.h"
#include "controller/source/fleet_source_agents_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;

using FleetSourceAgentGuestsTest = FleetSourceAgentsTest;

TEST_F(FleetSourceAgentGuestsTest, ARemovedGuestIsGoneOnceNobodyElseMayHaveIt) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web"), Guest("2", "db")})),
              IsOk());
  ASSERT_THAT(See(session, Removal("1")), IsOk());
  EXPECT_EQ(Record()->guests_size(), 2);
  EXPECT_THAT(Record()->missing_uuids(), ElementsAre("1"));
  clock_.Advance(options_.move_settle);
  EXPECT_TRUE(AwaitGuests(1));
  EXPECT_THAT(Record()->missing_uuids(), IsEmpty());
}

TEST_F(FleetSourceAgentGuestsTest,
       AListThatIsOwedIsAskedForAgainAfterASilence) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web"), Guest("2", "db")})),
              IsOk());
  ASSERT_THAT(See(session, Report({Guest("2", "db")})), IsOk());
  clock_.Advance(options_.move_settle);
  ASSERT_EQ(agents_.back()->AwaitRequests(1).size(), 1);

  source_->CannotRead({NodeOf(0)}, session, absl::UnavailableError("away"));
  ASSERT_THAT(See(session, Partial(Guest("2", "db2"))), IsOk());
  EXPECT_EQ(agents_.back()->AwaitRequests(2).size(), 2);
  ASSERT_THAT(See(session, Report({Guest("2", "db2")})), IsOk());
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_THAT(Record()->missing_uuids(), IsEmpty());
}

// Another host's event is no sign of an end here: the brake has to judge.
TEST_F(FleetSourceAgentGuestsTest,
       GuestsThatAnotherHostSpokeOfAreAskedForAgain) {
  Create(2);
  source_->SetHosts({WithoutUri(0), FoundAs(1)});
  source_->Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 1));
  const int64_t session = Come();
  constexpr int kGuests = 20;
  std::vector<v1::Guest> guests;
  for (int i = 0; i < kGuests; ++i) {
    guests.push_back(Guest(absl::StrCat(i), "web"));
  }
  ASSERT_THAT(See(session, Report(guests)), IsOk());
  Host(1).HoldReads();
  for (const v1::Guest& guest : guests) Host(1).EmitGuestEvent({guest.uuid()});
  ASSERT_THAT(See(session, Report({})), IsOk());
  EXPECT_EQ(Record()->missing_uuids_size(), kGuests);
  EXPECT_FALSE(HasCondition(*Record(), kMassDisappearance));

  clock_.Advance(Moves::Options().arrival);
  ASSERT_THAT(agents_.back()->AwaitRequests(1), ElementsAre(Gt(0)));
  EXPECT_EQ(Record()->guests_size(), kGuests);
  ASSERT_THAT(See(session, Report({})), IsOk());
  EXPECT_TRUE(HasCondition(*Record(), kMassDisappearance));
  EXPECT_EQ(Record()->guests_size(), kGuests);
  Host(1).ReleaseReads();
}

TEST_F(FleetSourceAgentGuestsTest, AGuestThatIsBackInTimeStays) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web")})), IsOk());
  ASSERT_THAT(See(session, Removal("1")), IsOk());
  ASSERT_THAT(See(session, Partial(Guest("1", "again"))), IsOk());
  clock_.Advance(options_.move_settle);
  // The source has looked once it does what was asked after that.
  source_->Reread({NodeOf(0)}, [](const absl::Status&) {});
  ASSERT_EQ(agents_.back()->AwaitRequests(1).size(), 1);
  ASSERT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Record()->guests(0).name(), "again");
}

TEST_F(FleetSourceAgentGuestsTest, AGuestThatMovesIsAlwaysOnOneOfTheHosts) {
  Create(0);
  source_->SetHosts({WithoutUri(0), WithoutUri(1)});
  source_->Start();
  const int64_t from = Come(0);
  const int64_t to = Come(1);
  ASSERT_THAT(See(from, Report({Guest("1", "web")}), {}, 0), IsOk());
  ASSERT_THAT(See(to, Report({}), {}, 1), IsOk());
  // The host that it left was the faster to tell.
  ASSERT_THAT(See(from, Removal("1"), {}, 0), IsOk());
  auto where = inventory_.FindGuest({"1"});
  ASSERT_TRUE(where.has_value());
  EXPECT_EQ(where->record->node(), NodeOf(0));
  ASSERT_THAT(See(to, Partial(Guest("1", "web")), {}, 1), IsOk());
  where = inventory_.FindGuest({"1"});
  ASSERT_TRUE(where.has_value());
  EXPECT_EQ(where->record->node(), NodeOf(1));
  EXPECT_EQ(Record(0)->guests_size(), 0);
}

// As the simulation found: it stayed for as long as the agent said no more of
// it.
TEST_F(FleetSourceAgentGuestsTest,
       ARemovedGuestIsGoneThoughTheAgentFellSilent) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web"), Guest("2", "db")})),
              IsOk());
  ASSERT_THAT(See(session, Removal("2")), IsOk());
  ASSERT_EQ(Record()->guests_size(), 2) << "somebody else may have it";
  source_->CannotRead({NodeOf(0)}, session,
                      absl::UnavailableError("libvirt is away"));
  clock_.Advance(options_.move_timeout);
  ASSERT_THAT(See(session, Partial(Guest("1", "web"))), IsOk());
  const std::vector<int64_t> asked = agents_[0]->AwaitRequests(1);
  ASSERT_FALSE(asked.empty());
  ASSERT_THAT(See(session, Report({Guest("1", "web")}), asked), IsOk());
  clock_.Advance(options_.move_timeout);
  EXPECT_TRUE(AwaitGuests(1));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(FleetSourceAgentGuestsTest, WhatAHostInDoubtSaysIsNotTakenIn) {
  Create(0);
  source_->SetHosts({WithoutUri(0), WithoutUri(1)});
  source_->Start();
  const int64_t first = Come(0);
  const int64_t second = Come(1);
  ASSERT_THAT(See(first, Report({Guest("1", "web")}, "same"), {}, 0), IsOk());
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 0));
  // Both are in doubt from here on.
  ASSERT_THAT(See(second, Report({Guest("2", "db")}, "same"), {}, 1), IsOk());
  ASSERT_TRUE(AwaitCondition(kDuplicateHostUuid, true, 0));
  ASSERT_TRUE(AwaitCondition(kDuplicateHostUuid, true, 1));
  EXPECT_EQ(Record(1)->guests_size(), 0);
  ASSERT_THAT(See(first, Report({}, "same"), {}, 0), IsOk());
  EXPECT_EQ(Record(0)->guests_size(), 1);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_STALE, 0));
  // What changes meanwhile is not known, so a part is not enough afterwards.
  ASSERT_THAT(See(first, Partial(Guest("3", "mail")), {}, 0), IsOk());
  source_->SetHosts({WithoutUri(0)});
  ASSERT_TRUE(AwaitCondition(kDuplicateHostUuid, false, 0));
  ASSERT_FALSE(agents_[0]->AwaitRequests(1).empty()) << "asked by itself";
  ASSERT_THAT(See(first, Partial(Guest("4", "dns")), {}, 0), IsOk());
  EXPECT_EQ(Record(0)->guests_size(), 1);
  const v1::Observation whole =
      Report({Guest("3", "mail"), Guest("4", "dns")}, "same");
  ASSERT_THAT(See(first, whole, {}, 0), IsOk());
  EXPECT_TRUE(AwaitGuests(3, 0)) << "the first is missing, and kept for now";
  clock_.Advance(options_.move_settle);
  ASSERT_EQ(agents_[0]->AwaitRequests(2).size(), 2);
  ASSERT_THAT(See(first, whole, {}, 0), IsOk());
  EXPECT_TRUE(AwaitGuests(2, 0));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 0));
}

TEST_F(FleetSourceAgentGuestsTest, WhatAHostInDoubtLacksIsNotAskedForAgain) {
  Create(0);
  source_->SetHosts({WithoutUri(0), WithoutUri(1)});
  const int64_t first = Come(0);
  const int64_t second = Come(1);
  ASSERT_THAT(See(first, Report({Guest("1", "web")}, "same"), {}, 0), IsOk());
  ASSERT_THAT(See(second, Report({}, "same"), {}, 1), IsOk());
  source_->Tick();
  ASSERT_TRUE(HasCondition(*Record(0), kDuplicateHostUuid));
  ASSERT_THAT(See(first, Report({}, "same"), {}, 0), IsOk());
  clock_.Advance(options_.move_settle);
  source_->Tick();
  EXPECT_THAT(agents_[0]->AwaitRequests(0), IsEmpty());
  EXPECT_EQ(Record(0)->guests_size(), 1);
}

TEST_F(FleetSourceAgentGuestsTest,
       AnAgentIsHeardAgainOnceAReadHasEndedItsDoubt) {
  v1::HostFacts facts;
  facts.set_uuid("uuid-0");
  Host().SetFacts(facts);
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web")}, "another")), IsOk());
  ASSERT_TRUE(AwaitCondition(kHostUuidChanged, true, 0));
  source_->CannotRead({NodeOf(0)}, session, absl::UnavailableError("away"));
  clock_.Advance(options_.fallback_after);
  ASSERT_TRUE(AwaitCondition(kHostUuidChanged, false, 0));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));

  ASSERT_THAT(See(session, Partial(Guest("2", "db"))), IsOk());
  EXPECT_EQ(Record()->guests_size(), 0) << "whose guest is it?";
  const std::vector<int64_t> asked = agents_.back()->AwaitRequests(1);
  ASSERT_EQ(asked.size(), 1);
  ASSERT_THAT(See(session, Report({Guest("2", "db")}, "uuid-0"), asked),
              IsOk());
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

}  // namespace
}  // namespace rehai
