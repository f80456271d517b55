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

// What an observation says of guests that are not in its list.
class Unlisted {
 public:
  static absl::StatusOr<Unlisted> Of(const v1::Observation& observation) {
    Unlisted unlisted;
    unlisted.full_ = observation.full();
    unlisted.unread_.insert(observation.unread_uuids().begin(),
                            observation.unread_uuids().end());
    unlisted.removed_.insert(observation.removed_uuids().begin(),
                             observation.removed_uuids().end());
    unlisted.moving_.insert(observation.moving_uuids().begin(),
                            observation.moving_uuids().end());
    if (observation.full()) return unlisted;
    for (const v1::Guest& guest : observation.guests()) {
      if (unlisted.removed_.contains(guest.uuid())) {
        return Contradiction(
            observation,
            absl::StrCat("guest ", guest.uuid(), " is listed and removed"));
      }
    }
    return unlisted;
  }

  // True if the host was asked for the guest and does not have it.
  bool IsAbsent(const v1::Guest& guest) const {
    if (full_) return !IsUnread(guest);
    return IsRemoved(guest) || IsMoving(guest);
  }
  // True if nothing but the list speaks of the guest.
  bool IsUnread(const v1::Guest& guest) const {
    return unread_.contains(guest.uuid());
  }
  bool IsRemoved(const v1::Guest& guest) const {
    return removed_.contains(guest.uuid());
  }
  bool IsMoving(const v1::Guest& guest) const {
    return moving_.contains(guest.uuid());
  }

 private:
  Unlisted() = default;

  bool full_ = false;
  UuidSet unread_;
  UuidSet removed_;
  UuidSet moving_;
};

// What becomes of the record's guests that are absent. Points into the record.
using Absences = absl::flat_hash_map<absl::string_view, Absence>;

// Walks both lists, sorted by UUID, side by side.
Absences JudgeUnlisted(const v1::Record& record,
                       const std::vector<const v1::Guest*>& seen,
                       const Unlisted& unlisted, const Circumstances& known) {
  std::vector<absl::string_view> uuids;
  std::vector<Absentee> absent;
  auto next = seen.begin();
  for (const v1::Guest& guest : record.guests()) {
    while (next != seen.end() && (*next)->uuid() < guest.uuid()) ++next;
    if (next != seen.end() && (*next)->uuid() == guest.uuid()) continue;
    if (!unlisted.IsAbsent(guest)) continue;
    const GuestId id{guest.uuid()};
    const auto before = known.missing.find(id);
    uuids.push_back(guest.uuid());
    absent.push_back({.is_moving = unlisted.IsMoving(guest),
                      .is_removed = unlisted.IsRemoved(guest),
                      .is_active_elsewhere = known.is_active_elsewhere(id),
                      .was_held = before != known.missing.end() &&
                                  before->second == Absence::kHeld});
  }
  const std::vector<Absence> verdicts = JudgeAbsent(
      absent, static_cast<size_t>(record.guests_size()), known.brake);
  Absences absences;
  for (size_t i = 0; i < uuids.size(); ++i) {
    absences.emplace(uuids[i], verdicts[i]);
  }
  return absences;
}

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

// A guest that is believed and was not seen.
void MergeUnseen(v1::Guest& guest, const Unlisted& unlisted,
                 const Absences& absences, const Missing& missing_before,
                 Merged& merged) {
  GuestId id{guest.uuid()};
  const auto absence = absences.find(guest.uuid());
  if (absence != absences.end() && absence->second == Absence::kGone) {
    merged.gone.push_back(std::move(id));
    return;
  }
  if (absence != absences.end()) {
    merged.missing.emplace(std::move(id), absence->second);
  } else if (const auto before = missing_before.find(id);
             before != missing_before.end() && !unlisted.IsUnread(guest)) {
    merged.missing.insert(*before);
  }
  merged.record.add_guests()->Swap(&guest);
}

// Walks both lists, sorted by UUID, side by side.
void MergeGuests(const std::vector<const v1::Guest*>& seen,
                 const Unlisted& unlisted, const Absences& absences,
                 const Missing& missing_before, Merged& merged) {
  GuestList before;
  before.Swap(merged.record.mutable_guests());
  auto old = before.begin();
  const auto keep_or_drop = [&](v1::Guest& guest) {
    MergeUnseen(guest, unlisted, absences, missing_before, merged);
  };
  for (const v1::Guest* guest : seen) {
    while (old != before.end() && old->uuid() < guest->uuid()) {
      keep_or_drop(*old++);
    }
    v1::Guest& next = *merged.record.add_guests();
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

absl::Time SinceWhen(const v1::Record& record, absl::string_view type,
                     absl::Time now) {
  for (const v1::Condition& condition : record.conditions()) {
    if (condition.type() == type) return FromProto(condition.since());
  }
  return now;
}

// The record shows who is missing. Returns whether that makes a difference.
bool ShowMissing(const Missing& missing, absl::Time now, v1::Record& record) {
  google::protobuf::RepeatedPtrField<std::string> uuids;
  for (const auto& [guest, why] : missing) *uuids.Add() = guest.uuid;
  record.mutable_missing_uuids()->Swap(&uuids);
  bool differs =
      !std::equal(uuids.begin(), uuids.end(), record.missing_uuids().begin(),
                  record.missing_uuids().end());
  const size_t held = CountHeld(missing);
  if (held == 0) return ClearCondition(record, kMassDisappearance) || differs;
  v1::Condition condition;
  condition.set_type(kMassDisappearance);
  condition.set_message(MassDisappearanceMessage(
      record.node(), held, static_cast<size_t>(record.guests_size()),
      SinceWhen(record, kMassDisappearance, now)));
  return SetCondition(record, std::move(condition), now) || differs;
}

}  // namespace

absl::StatusOr<Merged> Merge(const v1::Record& record,
                             const v1::Observation& observation,
                             const Circumstances& known,
                             absl::Time received_at) {
  RETURN_IF_ERROR(CheckOrder(record, observation));
  ASSIGN_OR_RETURN(const std::vector<const v1::Guest*> seen,
                   SortedGuests(observation));
  ASSIGN_OR_RETURN(const Unlisted unlisted, Unlisted::Of(observation));

  Merged merged;
  merged.record = record;
  v1::Record& next = merged.record;
  MergeGuests(seen, unlisted, JudgeUnlisted(record, seen, unlisted, known),
              known.missing, merged);
  const bool missing_changed = ShowMissing(merged.missing, received_at, next);
  if (observation.has_facts()) {
    merged.facts_changed =
        MergeFacts(observation.facts(), *next.mutable_facts());
  }
  const bool was_unreachable = ClearCondition(next, kUnreachable);
  const bool was_restored =
      observation.full() && ClearCondition(next, kBeforeRestart);
  merged.status_changed = missing_changed || was_unreachable || was_restored ||
                          record.presence() != v1::PRESENCE_CURRENT;
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

Merged WithoutMissing(const v1::Record& record, Missing missing,
                      const std::vector<GuestId>& dropped, absl::Time now) {
  Merged merged;
  merged.record = record;
  merged.gone = dropped;
  merged.status_changed = true;
  merged.missing = std::move(missing);
  std::sort(merged.gone.begin(), merged.gone.end());
  for (const GuestId& guest : merged.gone) merged.missing.erase(guest);
  auto& guests = *merged.record.mutable_guests();
  guests.erase(std::remove_if(guests.begin(), guests.end(),
                              [&](const v1::Guest& guest) {
                                return std::binary_search(
                                    merged.gone.begin(), merged.gone.end(),
                                    GuestId{guest.uuid()});
                              }),
               guests.end());
  ShowMissing(merged.missing, now, merged.record);
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

v1::Record AsOfBeforeRestart(v1::Record record, absl::Time now) {
  for (const char* type :
       {kUnreachable, kLeftDiscovery, kDuplicateHostUuid, kHostUuidChanged,
        kNodeClaimedTwice, kBeforeRestart}) {
    ClearCondition(record, type);
  }
  if (record.presence() == v1::PRESENCE_CURRENT) {
    record.set_presence(v1::PRESENCE_STALE);
  }
  v1::Condition condition;
  condition.set_type(kBeforeRestart);
  condition.set_message(absl::StrCat(
      "host ", record.node(), ": as of ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(record.confirmed_at()),
                       absl::UTCTimeZone()),
      ", before the restart of the controller; it has not been read since, and "
      "its node is not written before that"));
  SetCondition(record, std::move(condition), now);
  return record;
}

}  // namespace rehai
