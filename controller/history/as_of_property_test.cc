// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Whatever happened to a fleet, and however often the controller was restarted
// meanwhile, what is asked of a moment is what was believed at that moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/inventory/record.h"
#include "controller/state/scratch_folder_fixture.h"
#include "controller/state/sqlite_past.h"
#include "controller/state/sqlite_store.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

constexpr int kHosts = 4;
constexpr int kGuests = 12;

// "host a CURRENT rack=1 Unreachable; guest a u1 name RUNNING ..." of a moment.
using Picture = std::map<std::string, std::string>;

void Draw(const std::string& node, const v1::Guest& guest, bool missing,
          Picture& picture) {
  picture[absl::StrCat(node, " ", guest.uuid())] =
      absl::StrCat(guest.ShortDebugString(), missing ? " missing" : "");
}

std::string HostLine(
    const google::protobuf::Map<std::string, std::string>& labels,
    v1::Presence presence, const v1::HostFacts& facts,
    const google::protobuf::RepeatedPtrField<v1::Condition>& conditions) {
  std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  std::string line =
      absl::StrCat(v1::Presence_Name(presence), " ", facts.ShortDebugString());
  for (const auto& [key, value] : sorted) {
    absl::StrAppend(&line, " ", key, "=", value);
  }
  for (const v1::Condition& condition : conditions) {
    absl::StrAppend(&line, " ", condition.type());
  }
  return line;
}

Picture Of(const FleetView& view) {
  Picture picture;
  for (const RecordPtr& record : view.records) {
    if (!record->has_provenance()) continue;  // never seen: nothing to show
    picture[record->node()] = HostLine(record->labels(), record->presence(),
                                       record->facts(), record->conditions());
    for (const v1::Guest& guest : record->guests()) {
      Draw(record->node(), guest, IsMissing(*record, GuestId{guest.uuid()}),
           picture);
    }
  }
  return picture;
}

class Fleet {
 public:
  explicit Fleet(unsigned seed) : random_(seed) { Begin(); }

  void Step() {
    clock_.Advance(absl::Milliseconds(1 + random_() % 1000));
    const HostId host{absl::StrCat("host", random_() % kHosts)};
    switch (random_() % 16) {
      case 0:
        inventory_->RemoveHost(host);
        break;
      case 1:
        inventory_->AddHost(host, {{"rack", absl::StrCat(random_() % 3)}});
        break;
      case 2:
        Lose(host, v1::PRESENCE_STALE);
        break;
      case 3:
        Lose(host, v1::PRESENCE_UNKNOWN);
        break;
      case 4:
        (void)inventory_->SetCondition(host, Condition(kMassDisappearance));
        break;
      case 5:
        (void)inventory_->ClearCondition(host, kMassDisappearance);
        break;
      case 6:
        Restart();
        break;
      default:
        See(host);
    }
  }

  // Remembers what is believed now, as to be asked of this moment later. A
  // record from before a restart is as it was then.
  void Remember() {
    const Picture picture = Of(*inventory_->View());
    for (const RecordPtr& record : inventory_->View()->records) {
      if (IsBeforeRestart(*record)) return;
    }
    remembered_.emplace_back(clock_.Now(), picture);
  }

  void Check() {
    store_->Tick();
    clock_.Advance(absl::Minutes(2));
    store_->Tick();
    int checked = 0;
    for (const auto& [at, picture] : remembered_) {
      const std::optional<Picture> asked = Ask(at);
      if (!asked.has_value()) continue;  // pruned
      ++checked;
      EXPECT_EQ(*asked, picture) << "at " << at;
      if (testing::Test::HasFailure()) return;
    }
    checked_ += checked;
  }

  int checked() const { return checked_; }
  int remembered() const { return static_cast<int>(remembered_.size()); }
  void KeepAtMost(int64_t events) {
    retention_.history_rows = events;
    Restart();
  }

 private:
  void Begin() {
    SqliteStore::Options options;
    options.folder = folder_ / "state";
    options.retention = retention_;
    store_ = *SqliteStore::Create(std::move(options), clock_);
    past_ = std::make_unique<SqlitePast>(
        SqlitePast::Options{.folder = folder_ / "state"}, clock_);
    inventory_ = std::make_unique<Inventory>(clock_);
    chronicle_ = std::make_unique<Chronicle>(clock_);
    inventory_->AddListener([this](const Change& change) {
      std::vector<v1::HistoryEvent> events = chronicle_->OnChange(change);
      if (change.record == nullptr) {
        store_->Remove(change.host, std::move(events));
        return;
      }
      v1::StoredHost stored;
      *stored.mutable_record() = *change.record;
      store_->Put(std::move(stored), std::move(events));
    });
    Store::Contents contents = store_->TakeContents();
    chronicle_->Restore(contents.hosts, contents.last_event);
    std::vector<KeptRecord> kept;
    for (v1::StoredHost& host : contents.hosts) {
      kept.push_back({std::move(*host.mutable_record()), {}});
    }
    inventory_->Restore(std::move(kept), contents.last_revision);
  }
  void Restart() {
    store_->Stop();
    store_.reset();
    Begin();
  }

  static v1::Condition Condition(const std::string& type) {
    v1::Condition condition;
    condition.set_type(type);
    return condition;
  }
  void Lose(const HostId& host, v1::Presence presence) {
    const RecordPtr record = inventory_->Find(host);
    if (record == nullptr || !record->has_provenance()) return;
    (void)inventory_->SetPresence(host, presence, Condition(kUnreachable));
  }

  // A complete look at random guests; or at one, of which nothing else is said.
  void See(const HostId& host) {
    v1::Observation seen;
    seen.set_node(host.node);
    seen.set_session(1'000'000 + absl::ToUnixSeconds(clock_.Now()));
    seen.set_sequence(++sequence_);
    seen.set_full(random_() % 4 != 0);
    if (seen.full()) {
      seen.mutable_facts()->set_hostname(host.node);
      seen.mutable_facts()->set_cpus(static_cast<int>(random_() % 2));
    }
    const RecordPtr record = inventory_->Find(host);
    for (int i = 10; i < 10 + kGuests; ++i) {
      const std::string uuid = absl::StrCat("u", i);
      const bool listed = random_() % (seen.full() ? 2 : 8) == 0;
      if (listed) {
        *seen.add_guests() = Random(uuid);
      } else if (seen.full() && random_() % 8 == 0 && record != nullptr &&
                 FindGuest(*record, GuestId{uuid}) != nullptr) {
        seen.add_moving_uuids(uuid);
      } else if (seen.full()) {
        seen.add_removed_uuids(uuid);  // so that the brake holds none
      }
    }
    (void)inventory_->Observe(seen);
  }
  v1::Guest Random(const std::string& uuid) {
    v1::Guest guest;
    guest.set_uuid(uuid);
    guest.set_name(absl::StrCat("n", random_() % 3));
    guest.set_state(static_cast<v1::GuestState>(1 + random_() % 7));
    if (IsActive(guest)) guest.set_id(static_cast<int>(random_() % 3));
    guest.set_state_reason(random_() % 5 == 0 ? "migrated" : "");
    guest.set_vcpus(static_cast<int>(random_() % 2));
    return guest;
  }

  // All pages of a moment; nullopt if it is out of reach.
  std::optional<Picture> Ask(absl::Time at) {
    Picture picture;
    for (const auto whose : {AsOfQuery::kHosts, AsOfQuery::kGuests}) {
      AsOfQuery query{.whose = whose, .at = at};
      query.limit = 1 + static_cast<int>(random_() % 10);
      while (true) {
        absl::StatusOr<EventPage> page = absl::UnknownError("no answer");
        past_->ListAsOf(query, [&page](absl::StatusOr<EventPage> answer) {
          page = std::move(answer);
        });
        past_->AnswerOne();
        if (absl::IsOutOfRange(page.status())) return std::nullopt;
        if (!page.ok()) {
          ADD_FAILURE() << page.status();
          return std::nullopt;
        }
        for (const v1::HistoryEvent& event : page->events) {
          if (whose == AsOfQuery::kHosts) {
            picture[event.node()] =
                HostLine(event.host().labels(), event.host().presence(),
                         event.host().facts(), event.host().conditions());
          } else {
            Draw(event.node(), event.guest(), event.missing(), picture);
          }
        }
        if (!page->more) break;
        query.after_guest = page->events.back().guest_uuid();
        query.after_node = page->events.back().node();
      }
    }
    return picture;
  }

  std::mt19937 random_;
  FakeClock clock_;
  const ScratchFolder folder_;
  Retention retention_;
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<SqlitePast> past_;
  std::unique_ptr<Inventory> inventory_;
  std::unique_ptr<Chronicle> chronicle_;
  int64_t sequence_ = 0;
  std::vector<std::pair<absl::Time, Picture>> remembered_;
  int checked_ = 0;
};

TEST(AsOfPropertyTest, WhatIsAskedOfAMomentIsWhatWasBelievedThen) {
  int checked = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Fleet fleet(seed);
    for (int step = 0; step < 60; ++step) {
      fleet.Step();
      fleet.Remember();
    }
    fleet.Check();
    if (testing::Test::HasFailure()) return;
    checked += fleet.checked();
  }
  EXPECT_GT(checked, 100);
}

TEST(AsOfPropertyTest, PruningTakesTheReachButNeverTheTruth) {
  int checked = 0;
  int remembered = 0;
  for (unsigned seed = 100; seed < 106; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Fleet fleet(seed);
    for (int step = 0; step < 60; ++step) {
      fleet.Step();
      fleet.Remember();
    }
    fleet.KeepAtMost(60);
    fleet.Check();
    if (testing::Test::HasFailure()) return;
    checked += fleet.checked();
    remembered += fleet.remembered();
  }
  EXPECT_GT(checked, 10);
  EXPECT_LT(checked, remembered);
}

}  // namespace
}  // namespace rehai
