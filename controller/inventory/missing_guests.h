// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_MISSING_GUESTS_H_
#define CONTROLLER_INVENTORY_MISSING_GUESTS_H_

#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "controller/inventory/brake.h"
#include "proto/ids.h"

namespace rehai {

// MissingGuests finds the missing guests of a host, and the hosts where a guest
// is missing. Almost always there are none. Not thread-safe.
class MissingGuests {
 public:
  // These are the host's now, and no others.
  void Set(const HostId& host, Missing missing);

  // Valid until the next Set().
  const Missing& Of(const HostId& host) const;

  // Where the guest is missing, and why, in no order.
  std::vector<std::pair<HostId, Absence>> Where(const GuestId& guest) const;

  // True if no guest is missing anywhere.
  bool empty() const { return hosts_.empty(); }

 private:
  // No empty values in either.
  std::map<HostId, Missing> hosts_;
  absl::flat_hash_map<GuestId, std::vector<HostId>> guests_;
};

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_MISSING_GUESTS_H_
