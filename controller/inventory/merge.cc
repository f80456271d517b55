// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/merge.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
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

bool IsSameRun(const v1::Guest& a, const v1::Guest& b) {
  return a.has_id() && b.has_id() && a.id() == b.id();
}

// Reads that do not look at volatile values leave them as they were.
void KeepVolatile(const v1::Guest& believed, v1::Guest& seen) {
  if (believed.has_cpu_time_ns() && !seen.has_cpu_time_ns() &&
      IsSameRun(believed, seen)) {
    seen.set_cpu_time_ns(believed.cpu_time_ns());
  }
}

// A host's free memory is absent when volatile values were not read. What a
// volume takes up is then 0, which is not known from an empty one by itself.
void KeepVolatile(const v1::HostFacts& believed, v1::HostFacts& seen) {
  if (seen.has_free_memory_kib()) return;
  if (believed.has_free_memory_kib()) {
    seen.set_free_memory_kib(believed.free_memory_kib());
  }
  absl::flat_hash_map<absl::string_view, uint64_t> allocations;
  for (const v1::StoragePool& pool : believed.storage_pools()) {
    for (const v1::StorageVolume& volume : pool.volumes()) {
      allocations.emplace(volume.key(), volume.allocation_bytes());
    }
  }
  for (v1::StoragePool& pool : *seen.mutable_storage_pools()) {
    for (v1::StorageVolume& volume : *pool.mutable_volumes()) {
      const auto known = allocations.find(volume.key());
      if (known == allocations.end() || volume.allocation_bytes() > 0) continue;
      volume.set_allocation_bytes(known->second);
    }
  }
}

// Returns whether that makes a difference.
bool MergeFacts(v1::HostFacts seen, v1::HostFacts& believed) {
  KeepVolatile(believed, seen);
  // Processors change their frequency all the time.
  const int32_t mhz = seen.mhz();
  seen.set_mhz(believed.mhz());
  if (IsSame(believed, seen)) return false;
  seen.set_mhz(mhz);
  believed = std::move(seen);
  return true;
}

// What was believed of a guest, with what a list alone tells of it now.
v1::Guest WithListing(v1::Guest believed, const v1::Guest& listed) {
  if (!IsSameRun(believed, listed)) believed.clear_cpu_time_ns();
  if (listed.has_cpu_time_ns()) {
    believed.set_cpu_time_ns(listed.cpu_time_ns());
  }
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
    KeepVolatile(*old, next);
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
    merged.facts_changed =
        MergeFacts(observation.facts(), *next.mutable_facts());
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

std::optional<v1::Record> WithCondition(const v1::Record& record,
                                        v1::Condition condition,
                                        absl::Time now) {
  v1::Record next = record;
  if (!SetCondition(next, std::move(condition), now)) return std::nullopt;
  return next;
}

std::optional<v1::Record> WithoutCondition(const v1::Record& record,
                                           const std::string& type) {
  v1::Record next = record;
  if (!ClearCondition(next, type)) return std::nullopt;
  return next;
}

}  // namespace rehai
