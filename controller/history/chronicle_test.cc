// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/chronicle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "base/proto_time.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/record.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Guest Guest(const std::string& uuid, v1::GuestState state) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(uuid);
  guest.set_state(state);
  return guest;
}

constexpr v1::GuestState kRunning = v1::GUEST_STATE_RUNNING;
constexpr v1::GuestState kOff = v1::GUEST_STATE_SHUT_OFF;

// An inventory and the chronicle of its changes.
class ChronicleTest : public testing::Test {
 protected:
  ChronicleTest() { Begin(/*last=*/{}, /*last_event=*/0); }

  // The controller starts, with what its last run left.
  void Begin(const std::vector<v1::StoredHost>& last, int64_t last_event) {
    inventory_ = std::make_unique<Inventory>(clock_);
    chronicle_ = std::make_unique<Chronicle>(clock_);
    events_.clear();
    inventory_->AddListener([this](const Change& change) {
      for (v1::HistoryEvent& event : chronicle_->OnChange(change)) {
        events_.push_back(std::move(event));
      }
    });
    chronicle_->Restore(last, last_event);
    std::vector<KeptRecord> kept;
    Revision last_revision = 0;
    for (const v1::StoredHost& host : last) {
      kept.push_back({host.record(), {}});
      last_revision = std::max(last_revision, host.record().revision());
    }
    inventory_->Restore(std::move(kept), last_revision);
  }
  std::vector<v1::StoredHost> Kept() {
    std::vector<v1::StoredHost> kept;
    for (const RecordPtr& record : inventory_->View()->records) {
      *kept.emplace_back().mutable_record() = *record;
    }
    return kept;
  }

  void See(const std::string& node, const std::vector<v1::Guest>& guests) {
    inventory_->AddHost(HostId{node}, {});
    v1::Observation seen;
    seen.set_node(node);
    seen.set_session(1);
    seen.set_sequence(++sequence_);
    seen.set_full(true);
    seen.mutable_facts()->set_hostname(node);
    for (const v1::Guest& guest : guests) *seen.add_guests() = guest;
    ASSERT_THAT(inventory_->Observe(seen).status(), IsOk());
  }

  // "HOST_JOINED a", "GUEST_GONE a u1", since the last question.
  std::vector<std::string> Told() {
    std::vector<std::string> lines;
    for (const v1::HistoryEvent& event : std::exchange(events_, {})) {
      lines.push_back(absl::StrCat(
          v1::EventKind_Name(event.kind()).substr(11), " ", event.node(),
          event.guest_uuid().empty() ? "" : " ", event.guest_uuid(),
          event.other_node().empty() ? "" : " ", event.other_node()));
    }
    return lines;
  }

  FakeClock clock_;
  std::unique_ptr<Inventory> inventory_;
  std::unique_ptr<Chronicle> chronicle_;
  std::vector<v1::HistoryEvent> events_;
  int64_t sequence_ = 0;
};

TEST_F(ChronicleTest, EventsHaveNumbersThatGrowAndTheTimeOfTheirChange) {
  See("a", {Guest("u1", kOff)});
  clock_.Advance(absl::Minutes(1));
  See("a", {Guest("u1", kRunning)});
  ASSERT_EQ(events_.size(), 4u);
  for (size_t i = 1; i < events_.size(); ++i) {
    EXPECT_LT(events_[i - 1].sequence(), events_[i].sequence());
  }
  EXPECT_EQ(FromProto(events_[3].at()), clock_.Now());
  EXPECT_EQ(events_[3].revision(), inventory_->Find(HostId{"a"})->revision());
  EXPECT_THAT(Told(), ElementsAre("HOST_JOINED a", "HOST_FIRST_SEEN a",
                                  "GUEST_FOUND a u1", "GUEST_STARTED a u1"));
}

TEST_F(ChronicleTest, AMoveThatBothHostsShowIsToldOnBoth) {
  See("a", {Guest("u1", kRunning)});
  See("b", {});
  Told();
  See("b", {Guest("u1", kRunning)});
  See("a", {});
  EXPECT_THAT(Told(),
              ElementsAre("GUEST_MOVED_IN b u1 a", "GUEST_MOVED_OUT a u1 b"));
}

TEST_F(ChronicleTest, AGuestThatGoesAndIsSeenElsewhereSoonHasMoved) {
  See("a", {Guest("u1", kRunning), Guest("u2", kRunning)});
  See("b", {});
  Told();
  See("a", {});
  clock_.Advance(absl::Minutes(1));
  See("b", {Guest("u1", kRunning)});
  EXPECT_THAT(Told(), ElementsAre("GUEST_GONE a u1", "GUEST_GONE a u2",
                                  "GUEST_MOVED_IN b u1 a"));
  clock_.Advance(absl::Hours(1));
  See("b", {Guest("u1", kRunning), Guest("u2", kOff)});
  EXPECT_THAT(Told(), ElementsAre("GUEST_CREATED b u2"));
}

TEST_F(ChronicleTest, AGuestThatComesBackToItsHostIsNew) {
  See("a", {Guest("u1", kOff)});
  See("a", {});
  Told();
  See("a", {Guest("u1", kOff)});
  EXPECT_THAT(Told(), ElementsAre("GUEST_CREATED a u1"));
}

TEST_F(ChronicleTest, TheOlderOfTwoChangesInTheWrongOrderIsIgnored) {
  See("a", {Guest("u1", kOff)});
  Change older;
  older.host = HostId{"a"};
  See("a", {Guest("u1", kRunning)});
  const RecordPtr newest = inventory_->Find(HostId{"a"});
  Told();
  older.record = newest;
  older.revision = newest->revision() - 1;
  EXPECT_THAT(chronicle_->OnChange(older), IsEmpty());
  // So is what comes after the host has left.
  inventory_->RemoveHost(HostId{"a"});
  EXPECT_THAT(Told(), ElementsAre("GUEST_UNWATCHED a u1", "HOST_LEFT a"));
  EXPECT_THAT(
      chronicle_->OnChange(
          {.host = {"a"}, .revision = newest->revision(), .record = newest}),
      IsEmpty());
  See("a", {});
  EXPECT_THAT(Told(), ElementsAre("HOST_JOINED a", "HOST_FIRST_SEEN a"));
}

TEST_F(ChronicleTest, FirstLookAfterARestartThatAgreesTellsNothing) {
  See("a", {Guest("u1", kRunning)});
  const int64_t last = events_.back().sequence();
  Begin(Kept(), last);
  clock_.Advance(absl::Minutes(5));
  See("a", {Guest("u1", kRunning)});
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(ChronicleTest, WhatChangedWhileItWasDownIsToldAfterARestart) {
  See("a", {Guest("u1", kRunning), Guest("u2", kOff)});
  const int64_t last = events_.back().sequence();
  Begin(Kept(), last);
  See("a", {Guest("u1", kOff), Guest("u3", kOff)});
  ASSERT_FALSE(events_.empty());
  EXPECT_GT(events_.front().sequence(), last);
  EXPECT_THAT(Told(), ElementsAre("GUEST_STOPPED a u1", "GUEST_GONE a u2",
                                  "GUEST_CREATED a u3"));
}

TEST_F(ChronicleTest, SequencesGrowThoughTheClockWentBack) {
  See("a", {});
  const int64_t last = events_.back().sequence();
  clock_.JumpWall(-absl::Hours(1));
  Begin(Kept(), last);
  See("a", {Guest("u1", kOff)});
  EXPECT_GT(events_.at(0).sequence(), last);
}

TEST_F(ChronicleTest, WithoutHistoryEverythingBeginsAnew) {
  See("a", {Guest("u1", kRunning)});
  Begin(Kept(), /*last_event=*/0);
  EXPECT_THAT(Told(), ElementsAre("HOST_JOINED a", "HOST_FIRST_SEEN a",
                                  "GUEST_FOUND a u1"));
}

TEST_F(ChronicleTest, TellsOnceWhenChefFirstHeldARevision) {
  const HostId host{"a"};
  const absl::Time first = clock_.Now();
  const std::optional<v1::Shown> shown = chronicle_->OnShown(host, 5, first);
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->node(), "a");
  EXPECT_EQ(shown->revision(), 5);
  EXPECT_EQ(FromProto(shown->at()), first);
  const absl::Time later = first + absl::Minutes(1);
  EXPECT_EQ(chronicle_->OnShown(host, 5, later), std::nullopt);
  EXPECT_EQ(chronicle_->OnShown(host, 4, later), std::nullopt);
  const std::optional<v1::Shown> next = chronicle_->OnShown(host, 6, later);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(FromProto(next->at()), later);
}

}  // namespace
}  // namespace rehai
