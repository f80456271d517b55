// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Random histories, told to the inventory and to a model too simple to be
// wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/record.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

constexpr int kHosts = 4;
constexpr int kUuids = 6;
constexpr int kNames = 4;

struct ModelHost {
  v1::Presence presence = v1::PRESENCE_NEVER_SEEN;
  bool unreachable = false;
  int64_t sequence = -1;
  absl::Time seen;
  std::map<std::string, v1::Guest> guests;
};

class History {
 public:
  explicit History(int seed) : random_(seed) {
    replica_revision_ = inventory_.revision();
  }

  void Step() {
    clock_.Advance(absl::Seconds(1));
    const std::string node = absl::StrCat("host", Pick(kHosts));
    switch (Pick(10)) {
      case 0:
        inventory_.AddHost(HostId{node}, {});
        model_.try_emplace(node);
        break;
      case 1:
        inventory_.RemoveHost(HostId{node});
        model_.erase(node);
        break;
      case 2:
        LoseContact(node);
        break;
      default:
        Observe(node);
    }
  }

  void Check() {
    CheckRecords();
    CheckLocations();
    CheckNames();
    CatchUp();
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % n); }

  v1::Guest RandomGuest(const std::string& uuid) {
    v1::Guest guest;
    guest.set_uuid(uuid);
    guest.set_name(absl::StrCat("name", Pick(kNames)));
    guest.set_state(Pick(2) == 0 ? v1::GUEST_STATE_RUNNING
                                 : v1::GUEST_STATE_SHUT_OFF);
    return guest;
  }

  void LoseContact(const std::string& node) {
    v1::Condition condition;
    condition.set_type(kUnreachable);
    const absl::Status status =
        inventory_.SetPresence(HostId{node}, v1::PRESENCE_STALE, condition);
    const auto host = model_.find(node);
    ASSERT_EQ(status.ok(), host != model_.end());
    if (host == model_.end()) return;
    host->second.presence = v1::PRESENCE_STALE;
    host->second.unreachable = true;
  }

  void Observe(const std::string& node) {
    v1::Observation observation;
    observation.set_node(node);
    // Most come in order, some are late.
    observation.set_sequence(Pick(5) == 0 ? sequence_ - 3 : ++sequence_);
    observation.set_full(Pick(2) == 0);
    for (int i = 0; i < kUuids; ++i) {
      const std::string uuid = absl::StrCat("uuid", i);
      switch (Pick(4)) {
        case 0:
          *observation.add_guests() = RandomGuest(uuid);
          break;
        case 1:
          observation.add_unread_uuids(uuid);
          break;
        case 2:
          observation.add_removed_uuids(uuid);
          break;
      }
    }
    std::shuffle(observation.mutable_guests()->begin(),
                 observation.mutable_guests()->end(), random_);

    // A full observation's removals are ignored, so they never contradict.
    const absl::Status status = inventory_.Observe(observation).status();
    const auto host = model_.find(node);
    if (host == model_.end()) {
      ASSERT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
    } else if (observation.sequence() <= host->second.sequence) {
      ASSERT_THAT(status, StatusIs(absl::StatusCode::kAborted));
    } else {
      ASSERT_THAT(status, IsOk());
      ApplyToModel(observation, host->second);
    }
  }

  void ApplyToModel(const v1::Observation& observation, ModelHost& host) {
    std::map<std::string, v1::Guest> after;
    if (observation.full()) {
      for (const std::string& uuid : observation.unread_uuids()) {
        if (host.guests.contains(uuid)) after[uuid] = host.guests[uuid];
      }
    } else {
      after = host.guests;
      for (const std::string& uuid : observation.removed_uuids()) {
        after.erase(uuid);
      }
    }
    for (const v1::Guest& guest : observation.guests()) {
      after[guest.uuid()] = guest;
    }
    host = {.presence = v1::PRESENCE_CURRENT,
            .unreachable = false,
            .sequence = observation.sequence(),
            .seen = clock_.Now(),
            .guests = std::move(after)};
  }

  void CheckRecords() {
    const auto view = inventory_.View();
    ASSERT_EQ(view->revision, inventory_.revision());
    ASSERT_EQ(view->records.size(), model_.size());
    auto record = view->records.begin();
    for (const auto& [node, host] : model_) {
      const v1::Record& r = **record++;
      ASSERT_EQ(r.node(), node);
      ASSERT_EQ(r.presence(), host.presence);
      ASSERT_EQ(r.conditions_size(), host.unreachable ? 1 : 0);
      ASSERT_EQ(r.guests_size(), static_cast<int>(host.guests.size()));
      auto guest = r.guests().begin();
      for (const auto& [uuid, expected] : host.guests) {
        ASSERT_EQ((guest++)->SerializeAsString(), expected.SerializeAsString());
      }
    }
  }

  // Where the model says a guest is.
  std::optional<std::string> ModelLocation(const std::string& uuid) {
    std::optional<std::string> best;
    std::pair<bool, absl::Time> best_rank;
    for (const auto& [node, host] : model_) {
      const auto guest = host.guests.find(uuid);
      if (guest == host.guests.end()) continue;
      const std::pair rank(guest->second.state() == v1::GUEST_STATE_RUNNING,
                           host.seen);
      if (best.has_value() && rank < best_rank) continue;
      best = node;
      best_rank = rank;
    }
    return best;
  }

  void CheckLocations() {
    for (int i = 0; i < kUuids; ++i) {
      const std::string uuid = absl::StrCat("uuid", i);
      const auto place = inventory_.FindGuest(GuestId{uuid});
      const auto expected = ModelLocation(uuid);
      ASSERT_EQ(place.has_value(), expected.has_value());
      if (!expected.has_value()) continue;
      ASSERT_EQ(place->record->node(), *expected);
      ASSERT_EQ(place->guest->uuid(), uuid);
    }
  }

  void CheckNames() {
    for (int n = 0; n < kNames; ++n) {
      const std::string name = absl::StrCat("name", n);
      std::set<std::string> expected;
      for (int i = 0; i < kUuids; ++i) {
        const std::string uuid = absl::StrCat("uuid", i);
        const auto node = ModelLocation(uuid);
        if (node && model_[*node].guests[uuid].name() == name) {
          expected.insert(uuid);
        }
      }
      std::set<std::string> found;
      for (const GuestLocation& place : inventory_.FindGuestsByName(name)) {
        ASSERT_TRUE(found.insert(place.guest->uuid()).second);
      }
      ASSERT_EQ(found, expected);
    }
  }

  // A watcher that reads a few changes now and then holds the fleet in the end.
  void CatchUp() {
    if (Pick(3) == 0) return;
    while (replica_revision_ < inventory_.revision()) {
      const auto changes =
          inventory_.ChangesAfter(replica_revision_, 1 + Pick(3));
      ASSERT_THAT(changes, IsOk());
      for (const Change& change : changes->changes) {
        ASSERT_GT(change.revision, replica_revision_);
        replica_revision_ = change.revision;
        if (change.record == nullptr) {
          replica_.erase(change.host.node);
        } else {
          replica_[change.host.node] = change.record->revision();
        }
      }
      replica_revision_ = changes->through;
    }
    std::map<std::string, Revision> expected;
    for (const RecordPtr& record : inventory_.View()->records) {
      expected[record->node()] = record->revision();
    }
    ASSERT_EQ(replica_, expected);
  }

  std::mt19937 random_;
  FakeClock clock_;
  Inventory inventory_{clock_};
  std::map<std::string, ModelHost> model_;
  int64_t sequence_ = 10;
  std::map<std::string, Revision> replica_;
  Revision replica_revision_;
};

TEST(InventoryPropertyTest, BelievesWhatASimpleModelBelieves) {
  for (int seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    History history(seed);
    for (int step = 0; step < 200; ++step) {
      history.Step();
      history.Check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace rehai
