// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/missing_guests.h"

namespace rehai {

void MissingGuests::Set(const HostId& host, Missing missing) {
  if (const auto known = hosts_.find(host); known != hosts_.end()) {
    for (const auto& [guest, why] : known->second) {
      const auto found = guests_.find(guest);
      std::erase(found->second, host);
      if (found->second.empty()) guests_.erase(found);
    }
    hosts_.erase(known);
  }
  if (missing.empty()) return;
  for (const auto& [guest, why] : missing) guests_[guest].push_back(host);
  hosts_.emplace(host, std::move(missing));
}

const Missing& MissingGuests::Of(const HostId& host) const {
  static const Missing& none = *new Missing();
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? none : found->second;
}

std::vector<std::pair<HostId, Absence>> MissingGuests::Where(
    const GuestId& guest) const {
  std::vector<std::pair<HostId, Absence>> places;
  const auto found = guests_.find(guest);
  if (found == guests_.end()) return places;
  for (const HostId& host : found->second) {
    places.emplace_back(host, hosts_.at(host).at(guest));
  }
  return places;
}

}  // namespace rehai
