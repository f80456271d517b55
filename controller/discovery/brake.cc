// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/brake.h"

#include <algorithm>
#include <utility>

#include "controller/discovery/host_set.h"

namespace rehai {
namespace {

bool IsTooMuch(const FleetBrakeOptions& options, size_t removals,
               size_t fleet) {
  const auto count = static_cast<double>(removals);
  return count > options.count &&
         count > options.share * static_cast<double>(fleet);
}

}  // namespace

BrakedFleet Brake(const FleetBrakeOptions& options,
                  const std::vector<FoundHost>& fleet,
                  std::vector<FoundHost> wanted,
                  const std::vector<std::string>& held) {
  std::vector<FoundHost> stay = MissingHosts(fleet, wanted);
  if (!IsTooMuch(options, stay.size(), fleet.size())) {
    std::erase_if(stay, [&held](const FoundHost& host) {
      return !std::binary_search(held.begin(), held.end(), host.host.node);
    });
  }
  BrakedFleet braked;
  for (const FoundHost& host : stay) braked.held.push_back(host.host.node);
  braked.fleet = JoinHosts(std::move(wanted), std::move(stay));
  return braked;
}

}  // namespace rehai
