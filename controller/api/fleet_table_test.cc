// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "controller/inventory/brake.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;

class FleetTableTest : public testing::Test {
 protected:
  v1::Guest MakeGuest(int number, const std::string& name) {
    v1::Guest guest;
    guest.set_uuid(absl::StrCat("u", number));
    guest.set_name(name);
    guest.set_state(v1::GUEST_STATE_RUNNING);
    return guest;
  }

  void Observe(const std::string& node, const std::vector<v1::Guest>& guests) {
    v1::Observation observation;
    observation.set_node(node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    observation.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
    for (const v1::Guest& guest : guests) *observation.add_guests() = guest;
    inventory_.AddHost({node}, {});
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }

  static std::vector<std::string> Names(const FleetTable& table) {
    std::vector<std::string> names;
    for (const FleetTable::Position position : table.order()) {
      names.push_back(absl::StrCat(table.row(position).name(), "@",
                                   table.host(position).record->node()));
    }
    return names;
  }

  FakeClock clock_;
  // Nothing here is about the brake.
  Inventory inventory_{clock_, BrakeOptions{.share = 1.0}};
  NewestFleetTable newest_{inventory_};
  int64_t sequence_ = 0;
};

TEST_F(FleetTableTest, IsInTheOrderOfNames) {
  EXPECT_THAT(Names(*newest_.Get()), ElementsAre());
  Observe("hv2", {MakeGuest(1, "b"), MakeGuest(2, "d")});
  EXPECT_THAT(Names(*newest_.Get()), ElementsAre("b@hv2", "d@hv2"));
  Observe("hv1", {MakeGuest(3, "a"), MakeGuest(4, "c"), MakeGuest(5, "e")});
  EXPECT_THAT(Names(*newest_.Get()),
              ElementsAre("a@hv1", "b@hv2", "c@hv1", "d@hv2", "e@hv1"));
  inventory_.RemoveHost({"hv1"});
  EXPECT_THAT(Names(*newest_.Get()), ElementsAre("b@hv2", "d@hv2"));
}

TEST_F(FleetTableTest, IsTheSameUntilSomethingChanges) {
  Observe("hv1", {MakeGuest(1, "a")});
  Observe("hv2", {MakeGuest(2, "b")});
  const auto first = newest_.Get();
  EXPECT_EQ(newest_.Get(), first);

  v1::Guest paused = MakeGuest(1, "a");
  paused.set_state(v1::GUEST_STATE_PAUSED);
  Observe("hv1", {paused});
  const auto second = newest_.Get();
  ASSERT_NE(second, first);
  EXPECT_EQ(second->hosts()[0]->rows[0].state(), v1::GUEST_STATE_PAUSED);
  // What did not change is shared, the order too.
  EXPECT_EQ(second->hosts()[1], first->hosts()[1]);
  EXPECT_EQ(&second->order(), &first->order());
}

TEST_F(FleetTableTest, OneThatWasKeptUpIsAsOneMadeAnew) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same each time
  const auto pick = [&random](int count) {
    return std::uniform_int_distribution<int>(0, count - 1)(random);
  };
  for (int step = 0; step < 500; ++step) {
    const std::string node = absl::StrCat("hv", pick(6));
    if (pick(10) == 0) {
      inventory_.RemoveHost({node});
    } else {
      std::vector<v1::Guest> guests;
      std::set<int> numbers;
      for (int i = pick(5); i > 0; --i) numbers.insert(pick(40));
      for (const int number : numbers) {
        guests.push_back(MakeGuest(number, absl::StrCat("g", pick(8))));
      }
      Observe(node, guests);
    }
    if (pick(3) == 0) continue;  // several changes at once
    const auto kept_up = newest_.Get();
    const auto anew = FleetTable::Make(inventory_.View(), nullptr);
    ASSERT_EQ(Names(*kept_up), Names(*anew)) << "step " << step;
    ASSERT_EQ(kept_up->block_count(), anew->block_count());
    for (const FleetTable::Position position : kept_up->order()) {
      const FleetTable::Host& host = kept_up->host(position);
      ASSERT_EQ(&kept_up->row(position).guest(),
                &host.record->guests(static_cast<int>(position.row)));
    }
  }
}

}  // namespace
}  // namespace rehai
