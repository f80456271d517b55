// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_INVENTORY_FIXTURE_H_
#define CONTROLLER_INVENTORY_INVENTORY_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "tests/matchers.h"

// What the tests of the inventory share.
namespace rehai {

inline const HostId kA{"a"};
inline const HostId kB{"b"};

inline v1::Guest Guest(const std::string& uuid, const std::string& name,
                       v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(name);
  guest.set_state(state);
  return guest;
}

class InventoryTest : public testing::Test {
 protected:
  // The next observation of the host, one second after the last: a complete
  // list of these guests.
  v1::Observation Full(const HostId& host,
                       const std::vector<v1::Guest>& guests) {
    clock_.Advance(absl::Seconds(1));
    v1::Observation observation;
    observation.set_node(host.node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    for (const v1::Guest& guest : guests) *observation.add_guests() = guest;
    return observation;
  }
  absl::Status See(const HostId& host, const std::vector<v1::Guest>& guests) {
    return inventory_.Observe(Full(host, guests)).status();
  }

  // The node of the host that a guest is on, or "".
  std::string Where(const std::string& uuid) {
    const auto place = inventory_.FindGuest(GuestId{uuid});
    return place.has_value() ? place->record->node() : "";
  }

  std::vector<std::string> Guests(const HostId& host) {
    std::vector<std::string> uuids;
    for (const v1::Guest& guest : inventory_.Find(host)->guests()) {
      uuids.push_back(guest.uuid());
    }
    return uuids;
  }
  std::vector<std::string> MissingFrom(const HostId& host) {
    const auto& uuids = inventory_.Find(host)->missing_uuids();
    return {uuids.begin(), uuids.end()};
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  int64_t sequence_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_INVENTORY_FIXTURE_H_
