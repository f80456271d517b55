// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_GUEST_FLEET_H_
#define TESTS_BENCH_GUEST_FLEET_H_

#include <string>

#include "absl/time/time.h"
#include "controller/inventory/inventory.h"
#include "rehai/v1/model.pb.h"

namespace rehai::bench {

// GuestFleet is what an inventory of many guests holds: each has a name, a
// UUID, two interfaces with an address each, two disks and some metadata; one
// in four is off. Hosts are labelled with one of ten zones. A value type.
class GuestFleet {
 public:
  GuestFleet(int hosts, int guests_per_host)
      : hosts_(hosts), guests_per_host_(guests_per_host) {}

  int hosts() const { return hosts_; }
  int guests() const { return hosts_ * guests_per_host_; }

  static std::string Node(int host);
  static std::string Zone(int host);
  // Guests are numbered over all hosts.
  static std::string Name(int guest);
  static std::string Uuid(int guest);
  static std::string Address(int guest);

  // Adds every host, each with all its guests.
  void Fill(Inventory& inventory, absl::Time now) const;

  // One guest of the host turns off or on; `sequence` counts changes upwards.
  // The host's provenance is of `now`.
  void Change(Inventory& inventory, int host, int sequence,
              absl::Time now) const;

 private:
  v1::Guest Guest(int guest) const;

  int hosts_;
  int guests_per_host_;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_GUEST_FLEET_H_
