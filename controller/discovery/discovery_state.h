// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_DISCOVERY_STATE_H_
#define CONTROLLER_DISCOVERY_DISCOVERY_STATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/discovery/brake.h"
#include "controller/discovery/found_host.h"
#include "controller/discovery/provider.h"
#include "rehai/v1/source.pb.h"

// What discovery believes, and how that follows on what it believed. Pure
// functions, but for the log.
namespace rehai {

struct DiscoveryState {
  std::vector<Provider> providers;
  std::vector<FoundHost> fleet;   // sorted by node
  std::vector<std::string> held;  // nodes that the brake holds, sorted
  absl::Time held_since = absl::InfinitePast();  // if any is
};

// The state that follows on `state` when the providers have found `providers`.
// `all_answered`: each of them has said once what it has; until then nobody is
// taken for gone.
DiscoveryState NextState(const DiscoveryState& state,
                         std::vector<Provider> providers, bool all_answered,
                         const FleetBrakeOptions& brake, absl::Time now);

// Lets the held hosts go and returns their nodes. kFailedPrecondition, and
// nothing is changed, if not exactly `expected_held` are held.
absl::StatusOr<std::vector<std::string>> ConfirmHeld(int expected_held,
                                                     DiscoveryState& state);

v1::DiscoveryStatus ToProto(const DiscoveryState& state);

// Logs what became otherwise: hosts found and lost, errors that came and went,
// hosts held, nodes with several URIs.
void LogTransition(const DiscoveryState& before, const DiscoveryState& after);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_DISCOVERY_STATE_H_
