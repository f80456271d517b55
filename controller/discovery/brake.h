// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_BRAKE_H_
#define CONTROLLER_DISCOVERY_BRAKE_H_

#include <string>
#include <vector>

#include "controller/discovery/found_host.h"

// The brake on mass disappearance: a broken generator or an empty search index
// must not end the watch over a fleet. A pure function.
namespace rehai {

// Removals are held if they are more than `count` and more than this share of
// the fleet.
struct FleetBrakeOptions {
  double share = 0.2;
  int count = 3;
};

struct BrakedFleet {
  std::vector<FoundHost> fleet;   // sorted by node
  std::vector<std::string> held;  // nodes that are in it all the same, sorted
};

// The fleet that may follow on `fleet` if `wanted` is found; both are sorted by
// node. What is new or different always passes.
//
// Too many removals at once are all held: the hosts stay as they were.
// `held`, what was held until now, stays so until it returns, however few they
// become, or is confirmed (by leaving the nodes out of `fleet`).
BrakedFleet Brake(const FleetBrakeOptions& options,
                  const std::vector<FoundHost>& fleet,
                  std::vector<FoundHost> wanted,
                  const std::vector<std::string>& held);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_BRAKE_H_
