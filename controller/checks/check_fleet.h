// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_CHECKS_CHECK_FLEET_H_
#define CONTROLLER_CHECKS_CHECK_FLEET_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/model.pb.h"

// What cannot be right in a fleet. Pure.
namespace rehai {

struct CheckLimits {
  // A host's node may differ from what we believe for so long.
  absl::Duration not_in_chef = absl::Minutes(5);
  // Nothing may be heard of a host for so long.
  absl::Duration silent = absl::Minutes(5);
};

// Where one host's node stands, and since when it has not been synced; infinite
// past: it is.
struct HostSync {
  v1::SyncStatus status;
  absl::Time unsynced_since = absl::InfinitePast();
};

// What is wrong among the guests: active twice, MAC addresses and names that
// several have. In the order of (type, subject), without `since`.
//
// A guest counts as active on a host that can be reached, that has it running
// and does not miss it: one that is paused may be on its way from or to another
// host, and what an unreachable host was last seen to run is no evidence. Of
// one guest that several hosts define, its MAC addresses and its name count
// once.
std::vector<v1::Finding> CheckGuests(const FleetView& view);

// What is wrong among the hosts and their nodes. `syncs` is of the hosts of the
// view, in its order. `stamped`: the nodes that carry our stamp in Chef, as a
// search found them; none: not known. `known_since`: when a host that was never
// seen came to be known. In the order of (type, subject).
std::vector<v1::Finding> CheckHosts(
    const FleetView& view, const std::vector<HostSync>& syncs,
    const std::optional<std::vector<HostId>>& stamped,
    const absl::flat_hash_map<HostId, absl::Time>& known_since,
    const CheckLimits& limits, absl::Time now);

}  // namespace rehai

#endif  // CONTROLLER_CHECKS_CHECK_FLEET_H_
