// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/merge.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

using GuestList = google::protobuf::RepeatedPtrField<v1::Guest>;
// Points into an observation.
using UuidSet = absl::flat_hash_set<absl::string_view>;

// Guests and facts have no maps, so equal messages have equal bytes. Much
// faster than comparing by reflection.
bool IsSame(const google::protobuf::MessageLite& a,
            const google::protobuf::MessageLite& b) {
  return a.ByteSizeLong() == b.ByteSizeLong() &&
         a.SerializeAsString() == b.SerializeAsString();
}

absl::Status CheckOrder(const v1::Record& record,
                        const v1::Observation& observation) {
  if (!record.has_provenance()) return absl::OkStatus();  // nothing merged yet
  if (std::tuple(observation.session(), observation.sequence()) >
      std::tuple(record.session(), record.sequence())) {
    return absl::OkStatus();
  }
  return absl::AbortedError(absl::StrCat(
      "host ", record.node(), ": observation (", observation.session(), ", ",
      observation.sequence(), ") does not come after (", record.session(), ", ",
      record.sequence(), "), which is merged already; dropped"));
}

absl::Status Contradiction(const v1::Observation& observation,
                           absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "host ", observation.node(), ": contradictory observation: ", what,
      "; read the host again"));
}

// The observed guests in the order of their UUIDs, once each.
absl::StatusOr<std::vector<const v1::Guest*>> SortedGuests(
    const v1::Observation& observation) {
  std::vector<const v1::Guest*> guests;
  guests.reserve(observation.guests_size());
  for (const v1::Guest& guest : observation.guests()) {
    if (guest.uuid().empty()) {
      return Contradiction(
          observation, absl::StrCat("guest ", guest.name(), " has no UUID"));
    }
    guests.push_back(&guest);
  }
  std::sort(guests.begin(), guests.end(),
            [](const v1::Guest* a, const v1::Guest* b) {
              return a->uuid() < b->uuid();
            });
  const auto twice = std::adjacent_find(
      guests.begin(), guests.end(), [](const v1::Guest* a, const v1::Guest* b) {
        return a->uuid() == b->uuid();
      });
  if (twice != guests.end()) {
    return Contradiction(observation, absl::StrCat("guest ", (*twice)->uuid(),
                                                   " is listed twice"));
  }
  return guests;
}

// Who else an observation speaks of, and what their absence from its list
// means.
class Unlisted {
 public:
  static absl::StatusOr<Unlisted> Of(const v1::Observation& observation) {
    Unlisted unlisted;
    unlisted.full_ = observation.full();
    unlisted.unread_.insert(observation.unread_uuids().begin(),
                            observation.unread_uuids().end());
    if (!observation.full()) {
      unlisted.removed_.insert(observation.removed_uuids().begin(),
                               observation.removed_uuids().end());
    }
    for (const v1::Guest& guest : observation.guests()) {
      if (unlisted.removed_.contains(guest.uuid())) {
        return Contradiction(
            observation,
            absl::StrCat("guest ", guest.uuid(), " is listed and removed"));
      }
    }
    return unlisted;
  }

  // True if there is evidence that a guest which is not listed is gone.
  bool IsGone(const v1::Guest& guest) const {
    return full_ ? !unread_.contains(guest.uuid())
                 : removed_.contains(guest.uuid());
  }

  // True if nothing but the list speaks of a guest that is listed.
  bool IsUnread(const v1::Guest& guest) const {
    return unread_.contains(guest.uuid());
  }

 private:
  Unlisted() = default;

  bool full_ = false;
  UuidSet unread_;
  UuidSet removed_;
};

// What was believed of a guest, with what a list alone tells of it now.
v1::Guest WithListing(v1::Guest believed, const v1::Guest& listed) {
  believed.set_name(listed.name());
  believed.clear_id();
  if (listed.has_id()) believed.set_id(listed.id());
  believed.set_state(listed.state());
  believed.set_state_reason(listed.state_reason());
  believed.set_persistent(listed.persistent());
  believed.set_autostart(listed.autostart());
  believed.set_managed_save(listed.managed_save());
  return believed;
}

// Walks both lists, sorted by UUID, side by side.
void MergeGuests(const std::vector<const v1::Guest*>& seen,
                 const Unlisted& unlisted, Merged& merged) {
  GuestList before;
  before.Swap(merged.record.mutable_guests());
  GuestList& after = *merged.record.mutable_guests();
  auto old = before.begin();
  const auto keep_or_drop = [&](v1::Guest& guest) {
    if (unlisted.IsGone(guest)) {
      merged.gone.push_back(GuestId{guest.uuid()});
    } else {
      after.Add()->Swap(&guest);
    }
  };
  for (const v1::Guest* guest : seen) {
    while (old != before.end() && old->uuid() < guest->uuid()) {
      keep_or_drop(*old++);
    }
    v1::Guest& next = *after.Add();
    if (old == before.end() || old->uuid() != guest->uuid()) {
      next = *guest;
      merged.appeared.push_back(GuestId{guest->uuid()});
      continue;
    }
    next = unlisted.IsUnread(*guest) ? WithListing(*old, *guest) : *guest;
    if (!IsSame(*old++, next)) {
      merged.changed.push_back(GuestId{guest->uuid()});
    }
  }
  while (old != before.end()) keep_or_drop(*old++);
}

// Returns whether there was one.
bool ClearCondition(v1::Record& record, absl::string_view type) {
  auto& conditions = *record.mutable_conditions();
  const auto found =
      std::find_if(conditions.begin(), conditions.end(),
                   [type](const v1::Condition& c) { return c.type() == type; });
  if (found == conditions.end()) return false;
  conditions.erase(found);
  return true;
}

// Returns whether that makes a difference.
bool SetCondition(v1::Record& record, v1::Condition condition, absl::Time now) {
  for (v1::Condition& present : *record.mutable_conditions()) {
    if (present.type() != condition.type()) continue;
    if (!condition.has_since()) *condition.mutable_since() = present.since();
    if (IsSame(present, condition)) return false;
    present = std::move(condition);
    return true;
  }
  if (!condition.has_since()) *condition.mutable_since() = ToProto(now);
  *record.add_conditions() = std::move(condition);
  return true;
}

}  // namespace

absl::StatusOr<Merged> Merge(const v1::Record& record,
                             const v1::Observation& observation,
                             absl::Time received_at) {
  RETURN_IF_ERROR(CheckOrder(record, observation));
  ASSIGN_OR_RETURN(const std::vector<const v1::Guest*> seen,
                   SortedGuests(observation));
  ASSIGN_OR_RETURN(const Unlisted unlisted, Unlisted::Of(observation));

  Merged merged;
  merged.record = record;
  v1::Record& next = merged.record;
  MergeGuests(seen, unlisted, merged);
  if (observation.has_facts()) {
    merged.facts_changed = !IsSame(record.facts(), observation.facts());
    *next.mutable_facts() = observation.facts();
  }
  const bool was_unreachable = ClearCondition(next, kUnreachable);
  merged.status_changed =
      was_unreachable || record.presence() != v1::PRESENCE_CURRENT;
  next.set_presence(v1::PRESENCE_CURRENT);

  *next.mutable_provenance() = observation.provenance();
  *next.mutable_provenance()->mutable_received_at() = ToProto(received_at);
  *next.mutable_confirmed_at() = observation.provenance().has_observed_at()
                                     ? observation.provenance().observed_at()
                                     : ToProto(received_at);
  next.set_session(observation.session());
  next.set_sequence(observation.sequence());
  return merged;
}

std::optional<v1::Record> WithPresence(
    const v1::Record& record, v1::Presence presence,
    const std::optional<v1::Condition>& condition, absl::Time now) {
  v1::Record next = record;
  bool differs = record.presence() != presence;
  next.set_presence(presence);
  if (condition.has_value()) {
    differs |= SetCondition(next, *condition, now);
  } else if (presence == v1::PRESENCE_CURRENT) {
    differs |= ClearCondition(next, kUnreachable);
  }
  if (!differs) return std::nullopt;
  return next;
}

}  // namespace rehai
