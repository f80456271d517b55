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
  // Without the brake, of which the model is too simple to know.
  Inventory inventory_{clock_, {.share = 1}};
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

// A fleet whose guests move, end and are listed wrongly, and of which the
// inventory hears a part at a time. Hosts tell of a guest as on its way until
// its new host was heard.
class MovingFleet {
 public:
  MovingFleet(int seed, BrakeOptions brake, bool lists_err)
      : random_(seed), lists_err_(lists_err), inventory_(clock_, brake) {
    for (int h = 0; h < kHosts; ++h) inventory_.AddHost(Host(h), {});
    for (int g = 0; g < kUuids; ++g) where_[g] = Pick(kHosts);
    for (int h = 0; h < kHosts; ++h) Tell(Everything(h));
    inventory_.AddListener([this](const Change&) { CheckAllAreFound(); });
    follower_revision_ = inventory_.revision();
    for (const RecordPtr& record : inventory_.View()->records) {
      follower_[record->node()] = record;
    }
  }

  void Step() {
    const int host = Pick(kHosts);
    switch (Pick(8)) {
      case 0:
      case 1:
        Move(Pick(kUuids), host);
        break;
      case 2:
        if (Pick(5) == 0) End(Pick(kUuids));
        break;
      case 3:
        ASSERT_THAT(inventory_.SetPresence(Host(host), v1::PRESENCE_STALE,
                                           std::nullopt),
                    IsOk());
        break;
      case 4:
        Tell(Part(host));
        break;
      case 5:
        Tell(lists_err_ ? Wrong(host) : Part(host));
        break;
      default:
        Tell(Everything(host));
    }
    CheckAllAreFound();
    Follow();
  }

  // Once all hosts tell the truth, and an operator confirms what nobody saw, it
  // is believed.
  void Settle() {
    for (int round = 0; round < 2; ++round) {
      for (int h = 0; h < kHosts; ++h) Tell(Everything(h));
      for (int h = 0; h < kHosts; ++h) {
        inventory_.ConfirmDisappearance(Host(h)).status().IgnoreError();
      }
    }
    size_t listed = 0;
    for (const RecordPtr& record : inventory_.View()->records) {
      listed += static_cast<size_t>(record->guests_size());
      ASSERT_EQ(record->missing_uuids_size(), 0);
      ASSERT_EQ(record->conditions_size(), 0);
    }
    ASSERT_EQ(listed, where_.size());
    for (const auto& [guest, host] : where_) {
      const auto place = inventory_.FindGuest(Id(guest));
      ASSERT_TRUE(place.has_value());
      ASSERT_EQ(place->record->node(), Host(host).node);
    }
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % n); }
  static HostId Host(int host) { return HostId{absl::StrCat("host", host)}; }
  static GuestId Id(int guest) { return GuestId{absl::StrCat("uuid", guest)}; }

  void Move(int guest, int to) {
    const auto found = where_.find(guest);
    if (found == where_.end() || found->second == to) return;
    on_their_way_[found->second].insert(guest);
    on_their_way_[to].erase(guest);
    found->second = to;
  }

  void End(int guest) {
    if (where_.erase(guest) == 0) return;
    for (auto& [host, guests] : on_their_way_) guests.erase(guest);
    ended_.insert(guest);
  }

  v1::Observation Next(int host, bool full) {
    clock_.Advance(absl::Seconds(1));
    v1::Observation observation;
    observation.set_node(Host(host).node);
    observation.set_sequence(++sequence_);
    observation.set_full(full);
    return observation;
  }

  // What the host says of a guest.
  void Look(int host, int guest, v1::Observation& observation) {
    const auto found = where_.find(guest);
    if (found != where_.end() && found->second == host) {
      v1::Guest& listed = *observation.add_guests();
      listed.set_uuid(Id(guest).uuid);
      listed.set_state(guest % 3 == 0 ? v1::GUEST_STATE_SHUT_OFF
                                      : v1::GUEST_STATE_RUNNING);
      for (auto& [other, guests] : on_their_way_) guests.erase(guest);
    } else if (on_their_way_[host].contains(guest)) {
      observation.add_moving_uuids(Id(guest).uuid);
    } else if (ended_.contains(guest)) {
      observation.add_removed_uuids(Id(guest).uuid);
    }
  }

  v1::Observation Everything(int host) {
    v1::Observation observation = Next(host, /*full=*/true);
    for (int g = 0; g < kUuids; ++g) Look(host, g, observation);
    return observation;
  }
  v1::Observation Part(int host) {
    v1::Observation observation = Next(host, /*full=*/false);
    for (int g = 0; g < kUuids; ++g) {
      if (Pick(2) == 0) Look(host, g, observation);
    }
    return observation;
  }
  // Complete, it says, and lacks any of them.
  v1::Observation Wrong(int host) {
    v1::Observation observation = Part(host);
    observation.set_full(true);
    return observation;
  }

  void Tell(const v1::Observation& observation) {
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }

  void CheckAllAreFound() {
    for (const auto& [guest, host] : where_) {
      ASSERT_TRUE(inventory_.FindGuest(Id(guest)).has_value()) << guest;
    }
  }

  // Who applies one change after the other sees every guest all the time.
  void Follow() {
    while (follower_revision_ < inventory_.revision()) {
      const auto next = inventory_.ChangesAfter(follower_revision_, 1);
      ASSERT_THAT(next, IsOk());
      for (const Change& change : next->changes) {
        follower_[change.host.node] = change.record;
      }
      follower_revision_ = next->through;
      for (const auto& [guest, host] : where_) {
        ASSERT_TRUE(std::any_of(follower_.begin(), follower_.end(),
                                [id = Id(guest)](const auto& f) {
                                  return FindGuest(*f.second, id) != nullptr;
                                }))
            << guest;
      }
    }
  }

  std::mt19937 random_;
  const bool lists_err_;
  FakeClock clock_;
  Inventory inventory_;
  int64_t sequence_ = 0;
  std::map<int, int> where_;  // the hosts of the guests that live
  std::map<int, std::set<int>> on_their_way_;  // from this host
  std::set<int> ended_;
  std::map<std::string, RecordPtr> follower_;
  Revision follower_revision_ = 0;
};

void RunMovingFleets(BrakeOptions brake, bool lists_err) {
  for (int seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    MovingFleet fleet(seed, brake, lists_err);
    for (int step = 0; step < 200; ++step) {
      fleet.Step();
      if (testing::Test::HasFatalFailure()) return;
    }
    fleet.Settle();
    if (testing::Test::HasFatalFailure()) return;
  }
}

// Promise 1: there is no moment at which a guest that lives is nowhere.
TEST(InventoryPropertyTest, AGuestThatMovesIsNeverNowhere) {
  RunMovingFleets({.share = 1}, /*lists_err=*/false);
}
TEST(InventoryPropertyTest, NoListMakesAGuestVanishUnderAFullBrake) {
  RunMovingFleets({.share = 0, .count = 0}, /*lists_err=*/true);
}

}  // namespace
}  // namespace rehai
