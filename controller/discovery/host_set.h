// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_HOST_SET_H_
#define CONTROLLER_DISCOVERY_HOST_SET_H_

#include <string>
#include <vector>

#include "controller/discovery/found_host.h"

// Whole sets of hosts, side by side. Pure functions.
namespace rehai {

// The fleet that several providers' sets make together, sorted by node. Each
// set is whole: who is in none is not in the fleet.
//
// Where a node has several URIs, one is the host's and the rest are
// other_claims: the one that it has in `fleet`, the fleet until now, stays, so
// that a newcomer does not take a host over; without one, the first provider's.
// The same URI twice is no conflict: the first provider's found_by stays, and
// labels that only later ones have are added.
std::vector<FoundHost> MergeHosts(
    const std::vector<const std::vector<FoundHost>*>& sets,
    const std::vector<FoundHost>& fleet);

// How a set differs from what it was.
struct HostSetChange {
  int added = 0;
  int removed = 0;
  int changed = 0;  // the URI, a label, or another claim

  bool Any() const { return added + removed + changed > 0; }
};

HostSetChange CompareHosts(const std::vector<FoundHost>& before,
                           const std::vector<FoundHost>& after);

// The hosts of `before` whose nodes are not in `after`, in their order.
std::vector<FoundHost> MissingHosts(const std::vector<FoundHost>& before,
                                    const std::vector<FoundHost>& after);

// Both together, sorted by node; so are they, and they have no node in common.
std::vector<FoundHost> JoinHosts(std::vector<FoundHost> some,
                                 std::vector<FoundHost> others);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_HOST_SET_H_
