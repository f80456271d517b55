// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/guest_index.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace rehai {

void GuestIndex::Add(const HostId& host, const v1::Guest& guest) {
  const GuestId id{guest.uuid()};
  std::vector<HostId>& hosts = hosts_[id];
  hosts.push_back(host);
  if (hosts.size() == 2) shared_.insert(id);
  AddKeys(host, guest);
}

void GuestIndex::Remove(const HostId& host, const v1::Guest& guest) {
  const GuestId id{guest.uuid()};
  if (const auto found = hosts_.find(id); found != hosts_.end()) {
    std::erase(found->second, host);
    if (found->second.size() < 2) shared_.erase(id);
    if (found->second.empty()) hosts_.erase(found);
  }
  RemoveKeys(host, guest);
}

void GuestIndex::Change(const HostId& host, const v1::Guest& was,
                        const v1::Guest& is) {
  RemoveKeys(host, was);
  AddKeys(host, is);
}

std::vector<HostId> GuestIndex::HostsOf(const GuestId& guest) const {
  const auto found = hosts_.find(guest);
  return found == hosts_.end() ? std::vector<HostId>() : found->second;
}

std::vector<GuestId> GuestIndex::Named(const std::string& name) const {
  return Find(names_, name);
}

std::vector<GuestId> GuestIndex::WithMac(const std::string& mac) const {
  return Find(macs_, mac);
}

std::vector<GuestId> GuestIndex::WithAddress(const IpAddress& address) const {
  return Find(addresses_, address);
}

void GuestIndex::AddKeys(const HostId& host, const v1::Guest& guest) {
  const Entries::value_type entry(GuestId{guest.uuid()}, host);
  Insert(names_, guest.name(), entry);
  for (const v1::Interface& interface : guest.interfaces()) {
    if (!interface.mac().empty()) Insert(macs_, interface.mac(), entry);
    for (const std::string& text : interface.addresses()) {
      const std::optional<IpAddress> address = ParseInterfaceAddress(text);
      if (address.has_value()) Insert(addresses_, *address, entry);
    }
  }
}

void GuestIndex::RemoveKeys(const HostId& host, const v1::Guest& guest) {
  const Entries::value_type entry(GuestId{guest.uuid()}, host);
  Erase(names_, guest.name(), entry);
  for (const v1::Interface& interface : guest.interfaces()) {
    if (!interface.mac().empty()) Erase(macs_, interface.mac(), entry);
    for (const std::string& text : interface.addresses()) {
      const std::optional<IpAddress> address = ParseInterfaceAddress(text);
      if (address.has_value()) Erase(addresses_, *address, entry);
    }
  }
}

// Two interfaces of one guest may have the same address; it is found once.
template <typename Key>
void GuestIndex::Insert(Keyed<Key>& index, const Key& key,
                        const Entries::value_type& entry) {
  Entries& entries = index[key];
  const auto place = std::lower_bound(entries.begin(), entries.end(), entry);
  if (place == entries.end() || *place != entry) entries.insert(place, entry);
}

template <typename Key>
void GuestIndex::Erase(Keyed<Key>& index, const Key& key,
                       const Entries::value_type& entry) {
  const auto found = index.find(key);
  if (found == index.end()) return;
  Entries& entries = found->second;
  // Looked up rather than looked for: thousands may share an address.
  const auto place = std::lower_bound(entries.begin(), entries.end(), entry);
  if (place != entries.end() && *place == entry) entries.erase(place);
  if (entries.empty()) index.erase(found);
}

template <typename Key>
std::vector<GuestId> GuestIndex::Find(const Keyed<Key>& index, const Key& key) {
  std::vector<GuestId> guests;
  const auto found = index.find(key);
  if (found == index.end()) return guests;
  for (const auto& [guest, host] : found->second) {
    if (guests.empty() || guests.back() != guest) guests.push_back(guest);
  }
  return guests;
}

}  // namespace rehai
