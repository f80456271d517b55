// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/guest_index.h"

#include <vector>

namespace rehai {

void GuestIndex::Add(const HostId& host, const GuestId& guest,
                     const std::string& name) {
  hosts_[guest].push_back(host);
  names_[name].emplace(guest, host);
}

void GuestIndex::Remove(const HostId& host, const GuestId& guest,
                        const std::string& name) {
  if (const auto found = hosts_.find(guest); found != hosts_.end()) {
    std::erase(found->second, host);
    if (found->second.empty()) hosts_.erase(found);
  }
  if (const auto found = names_.find(name); found != names_.end()) {
    found->second.erase({guest, host});
    if (found->second.empty()) names_.erase(found);
  }
}

std::vector<HostId> GuestIndex::HostsOf(const GuestId& guest) const {
  const auto found = hosts_.find(guest);
  return found == hosts_.end() ? std::vector<HostId>() : found->second;
}

std::vector<GuestId> GuestIndex::Named(const std::string& name) const {
  std::vector<GuestId> guests;
  const auto found = names_.find(name);
  if (found == names_.end()) return guests;
  for (const auto& [guest, host] : found->second) {
    if (guests.empty() || guests.back() != guest) guests.push_back(guest);
  }
  return guests;
}

}  // namespace rehai
