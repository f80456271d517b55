// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/list_difference.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace rehai {
namespace {

bool IsEventful(const v1::Guest& before, const v1::Guest& seen) {
  return before.state() != seen.state() || before.name() != seen.name() ||
         before.has_id() != seen.has_id() || before.id() != seen.id();
}

}  // namespace

ListDifference CompareLists(const v1::Record& before,
                            const v1::Observation& seen) {
  absl::flat_hash_map<absl::string_view, const v1::Guest*> listed;
  listed.reserve(seen.guests_size());
  for (const v1::Guest& guest : seen.guests()) {
    listed.emplace(guest.uuid(), &guest);
  }
  const absl::flat_hash_set<absl::string_view> unread(
      seen.unread_uuids().begin(), seen.unread_uuids().end());
  const absl::flat_hash_set<absl::string_view> lacked(
      before.missing_uuids().begin(), before.missing_uuids().end());

  std::set<GuestId> lacking;
  std::set<GuestId> eventful;
  for (const v1::Guest& guest : before.guests()) {
    const auto place = listed.find(guest.uuid());
    if (place != listed.end()) {
      if (IsEventful(guest, *place->second)) {
        eventful.insert({guest.uuid()});
      }
      listed.erase(place);
    } else if (!unread.contains(guest.uuid())) {
      lacking.insert({guest.uuid()});
      if (!lacked.contains(guest.uuid())) eventful.insert({guest.uuid()});
    }
  }
  for (const auto& [uuid, guest] : listed) eventful.insert({guest->uuid()});
  return {.lacking = {lacking.begin(), lacking.end()},
          .eventful = {eventful.begin(), eventful.end()}};
}

}  // namespace rehai
