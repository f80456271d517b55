// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/fleet_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FleetSourceTest, HostsAreInTheFleetBeforeAnythingIsDialed) {
  Create(2);
  ASSERT_THAT(inventory_.View()->records, SizeIs(2));
  EXPECT_EQ(Record(1)->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_EQ(Host(1).dials(), 0);
}

TEST_F(FleetSourceTest, ReadsEverythingAfterADial) {
  Host().SetGuest(Guest("1", "web"));
  v1::HostFacts facts;
  facts.set_hostname("hv0.example.com");
  Host().SetFacts(facts);
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));

  EXPECT_TRUE(Host().last_request().everything);
  const RecordPtr record = Record();
  ASSERT_EQ(record->guests_size(), 1);
  EXPECT_EQ(record->guests(0).name(), "web");
  EXPECT_EQ(record->facts().hostname(), "hv0.example.com");
  EXPECT_EQ(record->provenance().kind(), v1::SOURCE_KIND_PULL);
  EXPECT_EQ(record->provenance().origin(), "fake://hv0/");
}

TEST_F(FleetSourceTest, TicksOfTheCallersDoWhatWorkersDo) {
  Host().SetGuest(Guest("1", "web"));
  Create();
  const absl::Duration next = source_->Tick();
  ASSERT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Host().reads(), 1);

  clock_.Advance(next - clock_.Uptime());
  source_->Tick();
  EXPECT_EQ(Host().reads(), 2);  // the relist
}

TEST_F(FleetSourceTest, ASeedMakesTheSameWaits) {
  options_.seed = 7;
  absl::Duration next;
  for (int run = 0; run < 2; ++run) {
    Create();
    Host().FailDials(absl::UnavailableError("refused"));
    const absl::Duration due = source_->Tick();
    if (run == 0) next = due;
    EXPECT_EQ(due, next);
  }
}

TEST_F(FleetSourceTest, WhatIsShownOfAUriHoldsNoSecret) {
  const std::string uri = "fake+ssh://me:secret@hv0/system?keyfile=/etc/key";
  dialer_.host(uri);
  source_ = std::make_unique<FleetSource>(
      options_, std::vector<FoundHost>{{.host = {NodeOf(0)}, .uri = uri}},
      dialer_, inventory_, clock_);
  source_->Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->provenance().origin(), "fake+ssh://me@hv0/system");
}

TEST_F(FleetSourceTest, AnEventReadsTheGuestItNames) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("1", "web"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);

  ASSERT_TRUE(AwaitGuests(1));
  EXPECT_FALSE(Host().last_request().everything);
  EXPECT_THAT(Host().last_request().changed, ElementsAre(GuestId{"1"}));
  EXPECT_EQ(Host().dials(), 1);
  EXPECT_EQ(Host().reads(), 2);
}

TEST_F(FleetSourceTest, AnEventDuringAReadIsNotLost) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(Host().AwaitReads(2));  // it looks before the guest is there
  Host().SetGuest(Guest("1", "web"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  Host().ReleaseReads();
  EXPECT_TRUE(AwaitGuests(1));
}

TEST_F(FleetSourceTest, AHostEventReadsTheHostsFacts) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  v1::HostFacts facts;
  facts.add_networks()->set_name("lab");
  Host().SetFacts(facts);
  Host().EmitHostEvent();
  clock_.Advance(options_.event_window);
  EXPECT_TRUE(Await(
      [](const v1::Record& r) { return r.facts().networks_size() == 1; }));
  EXPECT_TRUE(Host().last_request().host);
}

TEST_F(FleetSourceTest, ARelistFindsWhatNoEventTold) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("1", "web"));
  clock_.Advance(options_.relist_interval);
  ASSERT_TRUE(AwaitGuests(1));
  EXPECT_TRUE(Host().last_request().everything);
}

TEST_F(FleetSourceTest, VolatileValuesAreNewsOncePerInterval) {
  options_.volatile_interval = absl::Hours(1);
  options_.relist_interval = absl::Minutes(1);
  const auto use_cpu = [this](uint64_t time) {
    v1::Guest guest = Guest("1", "web");
    guest.set_id(3);
    guest.set_cpu_time_ns(time);
    Host().SetGuest(guest);
  };
  const auto shows = [this](uint64_t time) {
    return Await([time](const v1::Record& r) {
      return r.guests_size() == 1 && r.guests(0).cpu_time_ns() == time;
    });
  };
  use_cpu(1);
  Start();
  ASSERT_TRUE(shows(1));
  const Revision revision = Record()->revision();
  use_cpu(2);
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(Host().AwaitReads(2));
  if (!Host().last_request().volatile_values) {  // else its hour has come
    const int64_t sequence = 2;
    ASSERT_TRUE(
        Await([](const v1::Record& r) { return r.sequence() >= sequence; }));
    EXPECT_EQ(Record()->revision(), revision);
    clock_.Advance(absl::Hours(1));
  }
  EXPECT_TRUE(shows(2));
}

TEST_F(FleetSourceTest, AnUnreadGuestKeepsWhatWasBelieved) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  Host().SetUnreadable("1");
  Host().SetGuest(Guest("2", "db"));
  Host().EmitGuestEvent(GuestId{"2"});
  clock_.Advance(options_.event_window);
  EXPECT_TRUE(AwaitGuests(2));
}

TEST_F(FleetSourceTest, AnObservationIsAsOldAsItsReadsBegin) {
  const absl::Time begin = clock_.Now();
  Host().HoldReads();
  Start();
  ASSERT_TRUE(Host().AwaitReads(1));
  clock_.Advance(absl::Seconds(7));
  Host().ReleaseReads();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->provenance().observed_at().seconds(),
            absl::ToUnixSeconds(begin));
  EXPECT_EQ(Record()->provenance().received_at().seconds(),
            absl::ToUnixSeconds(begin) + 7);
}

TEST_F(FleetSourceTest, AHostNeverReachedSaysWhy) {
  Host().FailDials(absl::UnavailableError("hv0: refused; is sshd up?"));
  Start();
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_EQ(Record()->conditions(0).type(), "Unreachable");
  EXPECT_EQ(Record()->conditions(0).message(), "hv0: refused; is sshd up?");

  Host().AllowDials();
  clock_.Advance(options_.reconnect.min);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_THAT(Record()->conditions(), IsEmpty());
}

TEST_F(FleetSourceTest, AUriThatCanNeverWorkIsDialedSeldom) {
  Host(0).FailDials(absl::InvalidArgumentError("hv0: no such driver"));
  Host(1).FailDials(absl::UnavailableError("hv1: refused"));
  Start(2);
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }, 0));
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }, 1));
  // Both have had their chance when the second has been dialed again.
  clock_.Advance(options_.reconnect.max / 2 - absl::Seconds(1));
  ASSERT_TRUE(Host(1).AwaitDials(2));
  EXPECT_EQ(Host(0).dials(), 1);
  clock_.Advance(options_.reconnect.max / 2 + absl::Seconds(1));
  EXPECT_TRUE(Host(0).AwaitDials(2));
}

TEST_F(FleetSourceTest, ALostHostIsStaleKeepsItsGuestsAndComesBack) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const RecordPtr before = Record();

  Host().FailDials(absl::UnavailableError("hv0: refused"));
  Host().Drop("end of file");
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  ASSERT_EQ(Record()->conditions_size(), 1);
  EXPECT_THAT(Record()->conditions(0).message(), HasSubstr("end of file"));
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Host().open_connections(), 0);

  Host().AllowDials();
  Host().RemoveGuest("1");
  clock_.Advance(options_.reconnect.min);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_GT(Record()->session(), before->session());
  EXPECT_EQ(Record()->missing_uuids_size(), 1);
  EXPECT_EQ(Record()->guests_size(), 1) << "its event may be on its way";
  clock_.Advance(options_.move_settle);
  EXPECT_TRUE(AwaitGuests(0));
}

TEST_F(FleetSourceTest, AFailedReadClosesTheConnection) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().FailReads(absl::UnavailableError("hv0: no answer"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  EXPECT_EQ(Record()->conditions(0).message(), "hv0: no answer");
  EXPECT_EQ(Host().open_connections(), 0);

  Host().AllowReads();
  clock_.Advance(options_.reconnect.min);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(FleetSourceTest, AHostDownForLongIsUnknownUntilItIsBack) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  Host().FailDials(absl::UnavailableError("hv0: refused"));
  Host().Drop("end of file");
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  clock_.Advance(options_.unknown_after);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_UNKNOWN));
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Record()->conditions_size(), 1);

  // Another failure does not make it less unknown.
  const int dials = Host().dials();
  ASSERT_TRUE(AdvanceUntilDialed(dials + 2));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_UNKNOWN);

  Host().AllowDials();
  ASSERT_TRUE(AdvanceUntilDialed(dials + 3));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

}  // namespace
}  // namespace rehai
