// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_dialer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kUri[] = "fake:///hv1";

class Notes : public Listener {
 public:
  void OnGuestEvent(const GuestId& guest, GuestEvent) override {
    notes.push_back("guest " + guest.uuid);
  }
  void OnHostEvent() override { notes.push_back("host"); }
  void OnClosed(const std::string& reason) override {
    notes.push_back("closed " + reason);
  }

  std::vector<std::string> notes;
};

v1::Guest NamedGuest(const std::string& uuid, const std::string& name) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(name);
  return guest;
}

TEST(FakeDialerTest, AHostNobodyNamedIsUnreachable) {
  FakeDialer dialer;
  Notes notes;
  EXPECT_THAT(dialer.Dial(kUri, {}, notes),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(FakeDialerTest, AReadFindsWhatWasSetSortedByUuid) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  host.SetGuest(NamedGuest("b", "second"));
  host.SetGuest(NamedGuest("a", "first"));
  host.SetGuest(NamedGuest("c", "third"));
  host.RemoveGuest("c");
  host.SetUnreadable("d");
  v1::HostFacts facts;
  facts.set_hostname("hv1");
  facts.set_free_memory_kib(1000);
  host.SetFacts(facts);

  Notes notes;
  auto connection = dialer.Dial(kUri, {}, notes);
  ASSERT_THAT(connection, IsOk());
  ReadRequest request;
  request.changed = {GuestId{"a"}};
  auto inventory = (*connection)->Read(request);

  ASSERT_THAT(inventory, IsOk());
  ASSERT_THAT(inventory->guests, SizeIs(2));
  EXPECT_EQ(inventory->guests[0].name(), "first");
  EXPECT_EQ(inventory->guests[1].name(), "second");
  EXPECT_THAT(inventory->unread_uuids, ElementsAre("d"));
  EXPECT_EQ(inventory->facts.hostname(), "hv1");
  EXPECT_FALSE(inventory->facts.has_free_memory_kib());
  EXPECT_THAT(host.last_request().changed, ElementsAre(GuestId{"a"}));
  EXPECT_EQ(host.reads(), 1);
}

TEST(FakeDialerTest, DialsFailUntilAllowed) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  Notes notes;
  host.FailDials(absl::UnauthenticatedError("no"));
  EXPECT_THAT(dialer.Dial(kUri, {}, notes),
              StatusIs(absl::StatusCode::kUnauthenticated));
  host.AllowDials();
  EXPECT_THAT(dialer.Dial(kUri, {}, notes), IsOk());
  EXPECT_EQ(host.dials(), 2);
}

TEST(FakeDialerTest, AHeldDialReturnsWhenReleased) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  Notes notes;
  host.HoldDials();
  auto dial = std::async(std::launch::async,
                         [&] { return dialer.Dial(kUri, {}, notes); });
  ASSERT_TRUE(host.AwaitDials(1));
  EXPECT_EQ(host.open_connections(), 0);
  host.ReleaseDials();
  EXPECT_THAT(dial.get(), IsOk());
}

TEST(FakeDialerTest, AHeldReadReturnsWhatWasThereWhenItBegan) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  Notes notes;
  auto connection = dialer.Dial(kUri, {}, notes);
  ASSERT_THAT(connection, IsOk());
  host.HoldReads();
  auto read =
      std::async(std::launch::async, [&] { return (*connection)->Read({}); });
  ASSERT_TRUE(host.AwaitReads(1));
  host.SetGuest(NamedGuest("a", "late"));
  host.ReleaseReads();

  auto inventory = read.get();
  ASSERT_THAT(inventory, IsOk());
  EXPECT_THAT(inventory->guests, IsEmpty());
  EXPECT_THAT((*connection)->Read({})->guests, SizeIs(1));
}

TEST(FakeDialerTest, AFailedReadLeavesTheConnectionOpen) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  Notes notes;
  auto connection = dialer.Dial(kUri, {}, notes);
  ASSERT_THAT(connection, IsOk());
  host.FailReads(absl::UnavailableError("busy"));
  EXPECT_THAT((*connection)->Read({}),
              StatusIs(absl::StatusCode::kUnavailable));
  host.AllowReads();
  EXPECT_THAT((*connection)->Read({}), IsOk());
}

TEST(FakeDialerTest, DropEndsAHeldReadAndTellsTheListenerOnce) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  Notes notes;
  auto connection = dialer.Dial(kUri, {}, notes);
  ASSERT_THAT(connection, IsOk());
  host.HoldReads();
  auto read =
      std::async(std::launch::async, [&] { return (*connection)->Read({}); });
  ASSERT_TRUE(host.AwaitReads(1));

  host.Drop("gone");
  host.Drop("gone again");

  EXPECT_THAT(read.get(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(notes.notes, ElementsAre("closed gone"));
  EXPECT_EQ(host.open_connections(), 1);
}

TEST(FakeDialerTest, EventsReachOnlyOpenConnections) {
  FakeDialer dialer;
  FakeHost& host = dialer.host(kUri);
  Notes notes;
  auto connection = dialer.Dial(kUri, {}, notes);
  ASSERT_THAT(connection, IsOk());
  host.EmitGuestEvent(GuestId{"a"});
  host.EmitHostEvent();
  connection->reset();
  host.EmitGuestEvent(GuestId{"b"});

  EXPECT_THAT(notes.notes, ElementsAre("guest a", "host"));
  EXPECT_TRUE(host.AwaitOpenConnections(0));
}

}  // namespace
}  // namespace rehai::hypervisor
