// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/record.h"

#include <algorithm>
#include <string>

namespace rehai {

bool IsBeforeRestart(const v1::Record& record) {
  const auto& conditions = record.conditions();
  return std::any_of(conditions.begin(), conditions.end(),
                     [](const v1::Condition& condition) {
                       return condition.type() == kBeforeRestart;
                     });
}

const v1::Condition* FindIdentityDoubt(const v1::Record& record) {
  for (const v1::Condition& condition : record.conditions()) {
    if (condition.type() == kDuplicateHostUuid ||
        condition.type() == kHostUuidChanged ||
        condition.type() == kNodeClaimedTwice) {
      return &condition;
    }
  }
  return nullptr;
}

bool IdentityInDoubt(const v1::Record& record) {
  return FindIdentityDoubt(record) != nullptr;
}

bool IsActive(const v1::Guest& guest) {
  switch (guest.state()) {
    case v1::GUEST_STATE_RUNNING:
    case v1::GUEST_STATE_BLOCKED:
    case v1::GUEST_STATE_PAUSED:
    case v1::GUEST_STATE_SHUTTING_DOWN:
    case v1::GUEST_STATE_PM_SUSPENDED:
      return true;
    default:
      // A crashed guest may be kept for its dump: then it still has an id.
      return guest.has_id();
  }
}

const v1::Guest* FindGuest(const v1::Record& record, const GuestId& guest) {
  const auto& guests = record.guests();  // sorted by UUID
  const auto found =
      std::lower_bound(guests.begin(), guests.end(), guest.uuid,
                       [](const v1::Guest& g, const std::string& uuid) {
                         return g.uuid() < uuid;
                       });
  return found != guests.end() && found->uuid() == guest.uuid ? &*found
                                                              : nullptr;
}

bool IsMissing(const v1::Record& record, const GuestId& guest) {
  return std::binary_search(record.missing_uuids().begin(),
                            record.missing_uuids().end(), guest.uuid);
}

}  // namespace rehai
