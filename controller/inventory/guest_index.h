// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_GUEST_INDEX_H_
#define CONTROLLER_INVENTORY_GUEST_INDEX_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "base/ip_address.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// GuestIndex finds the hosts that list a guest, and the guests of a name, a MAC
// or an IP address. Kept up guest by guest, so a change costs what it changes
// and not the size of the fleet. Not thread-safe.
class GuestIndex {
 public:
  // `host` lists the guest, as it is here. Each (host, guest) is added once;
  // after a Remove() it counts as the guest's newest host.
  void Add(const HostId& host, const v1::Guest& guest);

  // Takes back an Add() of the same guest.
  void Remove(const HostId& host, const v1::Guest& guest);

  // The guest that was added as `was` is found as `is` from now on; its hosts
  // keep their order.
  void Change(const HostId& host, const v1::Guest& was, const v1::Guest& is);

  // The hosts that list the guest, in the order in which they were added.
  std::vector<HostId> HostsOf(const GuestId& guest) const;

  // The guests that any host lists under this name, MAC address (lower case,
  // with colons) or IP address, sorted, each once.
  std::vector<GuestId> Named(const std::string& name) const;
  std::vector<GuestId> WithMac(const std::string& mac) const;
  std::vector<GuestId> WithAddress(const IpAddress& address) const;

  // Guests that more than one host lists.
  const absl::flat_hash_set<GuestId>& shared() const { return shared_; }

 private:
  // Sorted; almost always one.
  using Entries = std::vector<std::pair<GuestId, HostId>>;

  template <typename Key>
  using Keyed = absl::flat_hash_map<Key, Entries>;

  void AddKeys(const HostId& host, const v1::Guest& guest);
  void RemoveKeys(const HostId& host, const v1::Guest& guest);
  template <typename Key>
  static void Insert(Keyed<Key>& index, const Key& key,
                     const Entries::value_type& entry);
  template <typename Key>
  static void Erase(Keyed<Key>& index, const Key& key,
                    const Entries::value_type& entry);
  template <typename Key>
  static std::vector<GuestId> Find(const Keyed<Key>& index, const Key& key);

  // Almost always one host.
  absl::flat_hash_map<GuestId, std::vector<HostId>> hosts_;
  absl::flat_hash_set<GuestId> shared_;
  Keyed<std::string> names_;
  Keyed<std::string> macs_;
  Keyed<IpAddress> addresses_;
};

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_GUEST_INDEX_H_
