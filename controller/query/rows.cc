// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/rows.h"

#include <algorithm>

namespace rehai::query {
namespace {

std::vector<const v1::Guest*> AllOf(const v1::Record& record) {
  std::vector<const v1::Guest*> guests;
  guests.reserve(record.guests_size());
  for (const v1::Guest& guest : record.guests()) guests.push_back(&guest);
  return guests;
}

}  // namespace

GuestRows::GuestRows(const v1::Record& record)
    : GuestRows(record, AllOf(record)) {}

GuestRows::GuestRows(const v1::Record& record,
                     absl::Span<const v1::Guest* const> guests)
    : guests_(guests.begin(), guests.end()) {
  const size_t count = guests.size();
  states_.reserve(count);
  memory_kib_.reserve(count);
  vcpus_.reserve(count);
  are_missing_.reserve(count);
  names_.ends.reserve(count);
  uuids_.ends.reserve(count);
  address_ends_.reserve(count);
  for (const v1::Guest* guest : guests) {
    states_.push_back(guest->state());
    memory_kib_.push_back(guest->memory_kib());
    vcpus_.push_back(guest->vcpus());
    const bool is_missing =
        std::binary_search(record.missing_uuids().begin(),
                           record.missing_uuids().end(), guest->uuid());
    are_missing_.push_back(is_missing ? 1 : 0);
    names_.Add(guest->name());
    uuids_.Add(guest->uuid());
    for (const v1::Interface& interface : guest->interfaces()) {
      for (const std::string& written : interface.addresses()) {
        if (const auto address = ParseInterfaceAddress(written)) {
          addresses_.push_back(*address);
        }
      }
    }
    address_ends_.push_back(static_cast<uint32_t>(addresses_.size()));
  }
}

void GuestRows::Texts::Add(absl::string_view text) {
  all.append(text.data(), text.size());
  ends.push_back(static_cast<uint32_t>(all.size()));
}

}  // namespace rehai::query
