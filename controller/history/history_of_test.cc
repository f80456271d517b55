// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/history_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Guest Guest(const std::string& uuid, v1::GuestState state,
                const std::string& reason = "") {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(absl::StrCat("name-", uuid));
  guest.set_state(state);
  guest.set_state_reason(reason);
  if (IsActive(guest)) guest.set_id(7);
  return guest;
}

v1::Guest Running(const std::string& uuid) {
  return Guest(uuid, v1::GUEST_STATE_RUNNING, "booted");
}
v1::Guest Off(const std::string& uuid, const std::string& reason = "shutdown") {
  return Guest(uuid, v1::GUEST_STATE_SHUT_OFF, reason);
}

// A host that is seen, with these guests in the order of their UUIDs.
v1::Record Seen(const std::vector<v1::Guest>& guests) {
  v1::Record record;
  record.set_node("hv1");
  record.set_presence(v1::PRESENCE_CURRENT);
  record.mutable_provenance()->set_kind(v1::SOURCE_KIND_PUSH);
  record.mutable_provenance()->set_origin("hv1.example");
  record.mutable_facts()->set_hostname("hv1");
  for (const v1::Guest& guest : guests) *record.add_guests() = guest;
  return record;
}

v1::Record With(v1::Record record, const std::string& type,
                const std::string& message = "why") {
  v1::Condition& condition = *record.add_conditions();
  condition.set_type(type);
  condition.set_message(message);
  return record;
}

v1::Record As(v1::Record record, v1::Presence presence) {
  record.set_presence(presence);
  return record;
}

class HistoryOfTest : public testing::Test {
 protected:
  // "GUEST_STARTED u1", in order.
  std::vector<std::string> Of(const v1::Record* before,
                              const v1::Record* after) {
    events_ = HistoryOf(before, after, [this](const GuestId& guest) {
      const auto found = elsewhere_.find(guest.uuid);
      return found == elsewhere_.end() ? "" : found->second;
    });
    std::vector<std::string> lines;
    for (const v1::HistoryEvent& event : events_) {
      EXPECT_EQ(event.node(), "hv1");
      std::string line = v1::EventKind_Name(event.kind()).substr(11);
      for (const std::string& more : {event.guest_uuid(), event.other_node()}) {
        if (!more.empty()) absl::StrAppend(&line, " ", more);
      }
      lines.push_back(line);
    }
    return lines;
  }
  std::vector<std::string> Of(const v1::Record& before,
                              const v1::Record& after) {
    return Of(&before, &after);
  }

  std::map<std::string, std::string> elsewhere_;  // guest: node
  std::vector<v1::HistoryEvent> events_;
};

TEST_F(HistoryOfTest, RecordsThatAgreeMakeNoEvent) {
  v1::Record later = Seen({Running("u1"), Off("u2")});
  later.set_revision(9);
  later.set_sequence(3);
  later.mutable_confirmed_at()->set_seconds(77);
  EXPECT_THAT(Of(Seen({Running("u1"), Off("u2")}), later), IsEmpty());
}

TEST_F(HistoryOfTest, WhatAHostHadWhenFirstSeenWasFoundNotCreated) {
  v1::Record known;
  known.set_node("hv1");
  known.set_presence(v1::PRESENCE_NEVER_SEEN);
  EXPECT_THAT(Of(nullptr, &known), ElementsAre("HOST_JOINED"));
  EXPECT_FALSE(events_[0].has_host());  // there is nothing to show
  elsewhere_["u2"] = "hv2";             // defined on both: neither came
  EXPECT_THAT(
      Of(known, Seen({Running("u1"), Off("u2")})),
      ElementsAre("HOST_FIRST_SEEN", "GUEST_FOUND u1", "GUEST_FOUND u2"));
}

TEST_F(HistoryOfTest, TellsEachChangeOfState) {
  v1::Guest restarted = Running("u1");
  restarted.set_id(8);
  v1::Guest paused = Guest("u1", v1::GUEST_STATE_PAUSED, "user");
  v1::Guest asleep = Guest("u1", v1::GUEST_STATE_PM_SUSPENDED);
  v1::Guest ending = Guest("u1", v1::GUEST_STATE_SHUTTING_DOWN);
  v1::Guest crashed = Guest("u1", v1::GUEST_STATE_CRASHED);
  v1::Guest unpaused = Guest("u1", v1::GUEST_STATE_RUNNING, "unpaused");
  const struct {
    v1::Guest was;
    v1::Guest is;
    std::string event;
  } kTable[] = {
      {Off("u1"), Running("u1"), "GUEST_STARTED u1"},
      {Off("u1"), paused, "GUEST_STARTED u1"},
      {crashed, Running("u1"), "GUEST_STARTED u1"},
      {Running("u1"), restarted, "GUEST_STARTED u1"},
      {Running("u1"), Off("u1"), "GUEST_STOPPED u1"},
      {paused, Off("u1"), "GUEST_STOPPED u1"},
      {Running("u1"), crashed, "GUEST_STOPPED u1"},
      {Running("u1"), paused, "GUEST_PAUSED u1"},
      {Running("u1"), asleep, "GUEST_PAUSED u1"},
      {paused, unpaused, "GUEST_RESUMED u1"},
      {Running("u1"), ending, "GUEST_CHANGED u1"},
      {Running("u1"), unpaused, "GUEST_CHANGED u1"},
      {Off("u1"), Off("u1", "crashed"), "GUEST_CHANGED u1"},
  };
  for (const auto& row : kTable) {
    EXPECT_THAT(Of(Seen({row.was}), Seen({row.is})), ElementsAre(row.event))
        << row.was.ShortDebugString() << " -> " << row.is.ShortDebugString();
    EXPECT_EQ(events_.at(0).guest().ShortDebugString(),
              row.is.ShortDebugString());
  }
}

TEST_F(HistoryOfTest, TellsLibvirtsReasonAndWhoSawIt) {
  Of(Seen({Running("u1")}), Seen({Off("u1", "destroyed")}));
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].detail(), "shut off (destroyed)");
  EXPECT_EQ(events_[0].source(), v1::SOURCE_KIND_PUSH);
  EXPECT_EQ(events_[0].origin(), "hv1.example");
  EXPECT_EQ(events_[0].guest_name(), "name-u1");
}

TEST_F(HistoryOfTest, AGuestThatComesRunningWasCreatedAndStarted) {
  EXPECT_THAT(Of(Seen({Off("u1")}), Seen({Off("u1"), Running("u2")})),
              ElementsAre("GUEST_CREATED u2", "GUEST_STARTED u2"));
  EXPECT_THAT(Of(Seen({Off("u2")}), Seen({Off("u1"), Off("u2")})),
              ElementsAre("GUEST_CREATED u1"));
}

TEST_F(HistoryOfTest, NamesWhatChanged) {
  v1::Guest more = Running("u1");
  more.set_vcpus(4);
  more.add_disks()->set_source("/new");
  EXPECT_THAT(Of(Seen({Running("u1")}), Seen({more})),
              ElementsAre("GUEST_CHANGED u1"));
  EXPECT_THAT(events_[0].changed_fields(), ElementsAre("vcpus", "disks"));

  // What a start changes by the way is told with it, not beside it.
  v1::Guest started = more;
  started.set_memory_kib(5);
  Of(Seen({Off("u1")}), Seen({started}));
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_THAT(events_[0].changed_fields(),
              ElementsAre("id", "state", "state_reason", "vcpus", "memory_kib",
                          "disks"));
}

TEST_F(HistoryOfTest, ARenamedGuestSaysWhatItWas) {
  v1::Guest renamed = Off("u1");
  renamed.set_name("new");
  EXPECT_THAT(Of(Seen({Off("u1")}), Seen({renamed})),
              ElementsAre("GUEST_RENAMED u1"));
  EXPECT_EQ(events_[0].detail(), "was name-u1");
  EXPECT_EQ(events_[0].guest_name(), "new");
}

TEST_F(HistoryOfTest, VolatileValuesAreNoNewsAndAreNotKept) {
  v1::Record before = Seen({Running("u1")});
  v1::Record after = before;
  after.mutable_guests(0)->set_cpu_time_ns(5);
  after.mutable_facts()->set_free_memory_kib(5);
  before.mutable_facts()->add_storage_pools()->set_allocation_bytes(1);
  after.mutable_facts()->add_storage_pools()->set_allocation_bytes(2);
  EXPECT_THAT(Of(before, after), IsEmpty());
  after.mutable_guests(0)->set_vcpus(2);
  Of(before, after);
  EXPECT_FALSE(events_.at(0).guest().has_cpu_time_ns());
}

TEST_F(HistoryOfTest, AMoveIsToldOnBothHosts) {
  elsewhere_["u1"] = "hv2";
  EXPECT_THAT(Of(Seen({}), Seen({Running("u1")})),
              ElementsAre("GUEST_MOVED_IN u1 hv2"));
  EXPECT_TRUE(events_[0].has_guest());
  EXPECT_THAT(Of(Seen({Running("u1")}), Seen({})),
              ElementsAre("GUEST_MOVED_OUT u1 hv2"));
  EXPECT_FALSE(events_[0].has_guest());
  // Its definition stays behind, and takes it back.
  EXPECT_THAT(Of(Seen({Running("u1")}), Seen({Off("u1", "migrated")})),
              ElementsAre("GUEST_MOVED_OUT u1 hv2"));
  EXPECT_TRUE(events_[0].has_guest());
  v1::Guest back = Guest("u1", v1::GUEST_STATE_RUNNING, "migrated");
  EXPECT_THAT(Of(Seen({Off("u1")}), Seen({back})),
              ElementsAre("GUEST_MOVED_IN u1 hv2"));
}

TEST_F(HistoryOfTest, AGuestThatIsNowhereIsGone) {
  EXPECT_THAT(Of(Seen({Running("u1")}), Seen({})),
              ElementsAre("GUEST_GONE u1"));
  EXPECT_FALSE(events_[0].has_guest());
}

TEST_F(HistoryOfTest, AGuestIsMissedAndFoundAgain) {
  v1::Record missed = Seen({Running("u1")});
  missed.add_missing_uuids("u1");
  EXPECT_THAT(Of(Seen({Running("u1")}), missed),
              ElementsAre("GUEST_MISSING u1"));
  EXPECT_TRUE(events_[0].missing());
  EXPECT_TRUE(events_[0].has_guest());
  EXPECT_THAT(Of(missed, Seen({Off("u1")})),
              ElementsAre("GUEST_FOUND_AGAIN u1", "GUEST_STOPPED u1"));
  EXPECT_FALSE(events_[1].missing());
}

TEST_F(HistoryOfTest, WhoLeavesTakesItsGuestsOutOfSight) {
  const v1::Record host = Seen({Running("u1"), Off("u2")});
  EXPECT_THAT(
      Of(&host, nullptr),
      ElementsAre("GUEST_UNWATCHED u1", "GUEST_UNWATCHED u2", "HOST_LEFT"));
  for (const v1::HistoryEvent& event : events_) {
    EXPECT_FALSE(event.has_guest() || event.has_host());
  }
}

TEST_F(HistoryOfTest, TellsHowReachableAHostIs) {
  const v1::Record seen = Seen({});
  const v1::Record lost =
      With(As(Seen({}), v1::PRESENCE_STALE), kUnreachable, "no route");
  const v1::Record unknown =
      With(As(Seen({}), v1::PRESENCE_UNKNOWN), kUnreachable, "no route");
  EXPECT_THAT(Of(seen, lost), ElementsAre("HOST_UNREACHABLE"));
  EXPECT_EQ(events_[0].detail(), "no route");
  EXPECT_EQ(events_[0].host().presence(), v1::PRESENCE_STALE);
  EXPECT_THAT(Of(lost, unknown), ElementsAre("HOST_UNKNOWN"));
  EXPECT_THAT(Of(unknown, seen), ElementsAre("HOST_REACHABLE"));
  EXPECT_THAT(Of(lost, seen), ElementsAre("HOST_REACHABLE"));
  // The same trouble in other words is no news.
  EXPECT_THAT(Of(lost, With(As(Seen({}), v1::PRESENCE_STALE), kUnreachable,
                            "connection refused")),
              IsEmpty());
}

TEST_F(HistoryOfTest, TellsFactsLabelsAndConditions) {
  v1::Record after = With(Seen({}), kMassDisappearance, "40 of 50");
  after.mutable_facts()->set_libvirt_version("9.1.0");
  (*after.mutable_labels())["rack"] = "r1";
  EXPECT_THAT(Of(Seen({}), after),
              ElementsAre("HOST_FACTS_CHANGED", "HOST_LABELS_CHANGED",
                          "HOST_CONDITION_BEGAN"));
  EXPECT_THAT(events_[0].changed_fields(), ElementsAre("libvirt_version"));
  EXPECT_EQ(events_[2].detail(), "MassDisappearance: 40 of 50");
  EXPECT_EQ(events_[2].host().labels().at("rack"), "r1");
  v1::Record healed = after;
  healed.clear_conditions();
  EXPECT_THAT(Of(after, healed), ElementsAre("HOST_CONDITION_ENDED"));
}

TEST_F(HistoryOfTest, ARestartOfTheControllerIsNothingThatHappened) {
  const v1::Record before = With(Seen({Running("u1")}), kLeftDiscovery);
  const v1::Record restarted =
      With(As(Seen({Running("u1")}), v1::PRESENCE_STALE), kBeforeRestart);
  const v1::Record as_taken = WithoutRestart(&before, restarted);
  EXPECT_THAT(Of(before, as_taken), IsEmpty());
  // Seen again, and the same but for what has ended meanwhile.
  EXPECT_THAT(Of(as_taken, Seen({Running("u1")})),
              ElementsAre("HOST_CONDITION_ENDED"));
  // What is new is told, though the host was not read whole yet.
  const v1::Record lost = WithoutRestart(
      &before,
      With(With(As(Seen({Off("u1")}), v1::PRESENCE_STALE), kBeforeRestart),
           kUnreachable));
  EXPECT_THAT(Of(before, lost),
              ElementsAre("HOST_UNREACHABLE", "GUEST_STOPPED u1"));
  EXPECT_EQ(events_[0].host().presence(), v1::PRESENCE_STALE);
}

}  // namespace
}  // namespace rehai
