// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_GUEST_INDEX_H_
#define CONTROLLER_INVENTORY_GUEST_INDEX_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "proto/ids.h"

namespace rehai {

// GuestIndex finds the hosts that list a guest, by the guest's UUID or name.
// Kept up guest by guest, so a change costs what it changes and not the size of
// the fleet. Not thread-safe.
class GuestIndex {
 public:
  // `host` lists the guest under `name`. Each (host, guest) is added once;
  // after a Remove() it counts as the guest's newest host.
  void Add(const HostId& host, const GuestId& guest, const std::string& name);

  // Takes back an Add() of the same values.
  void Remove(const HostId& host, const GuestId& guest,
              const std::string& name);

  // The hosts that list the guest, in the order in which they were added.
  std::vector<HostId> HostsOf(const GuestId& guest) const;

  // The guests that any host lists under `name`, sorted, each once.
  std::vector<GuestId> Named(const std::string& name) const;

 private:
  // Almost always one host.
  absl::flat_hash_map<GuestId, std::vector<HostId>> hosts_;
  absl::flat_hash_map<std::string, std::set<std::pair<GuestId, HostId>>> names_;
};

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_GUEST_INDEX_H_
