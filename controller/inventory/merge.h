// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_MERGE_H_
#define CONTROLLER_INVENTORY_MERGE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/inventory/brake.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

// How a Record follows from the one before it. Pure: no clock, no lock, no I/O.
namespace rehai {

// A Record after an observation, and how it differs from the one before.
struct Merged {
  // Still has the revision of the record before: only the inventory knows the
  // next one.
  v1::Record record;

  // In the order of their UUIDs.
  std::vector<GuestId> appeared;
  std::vector<GuestId> changed;
  std::vector<GuestId> gone;
  bool facts_changed = false;
  // Presence, conditions, or who is missing.
  bool status_changed = false;
  // As the record says, and why.
  Missing missing;

  // True if the revision must grow; false if the observation only confirmed
  // what was believed.
  bool IsChange() const {
    return !appeared.empty() || !changed.empty() || !gone.empty() ||
           facts_changed || status_changed;
  }
};

// What else is known when an observation is merged.
struct Circumstances {
  BrakeOptions brake;
  // Why those are missing that the record says are.
  const Missing& missing;
  // True if the guest is known to run on another host.
  absl::FunctionRef<bool(const GuestId&)> is_active_elsewhere;
};

// What is to be believed of a host after `observation` of it.
//
// - A guest is gone if the observation is partial and names it as removed; or
//   if it is full and neither lists it nor calls it unread, and JudgeAbsent()
//   does not find it on its way or holds it.
// - One that is on its way, or held, stays as it was and is missing, until it
// is
//   listed again. It goes by a later observation, or by WithoutMissing().
// - The host has the condition MassDisappearance while any guest is held.
// - What the observation did not look at stays as it was: unread guests but for
//   what the list tells of them, absent facts, guests that a partial
//   observation does not list, volatile values (of a guest: while it runs on).
// - A host's CPU frequency is what it was when read. Alone it is not news: it
//   is taken over when another fact changes.
// - The host is CURRENT and no longer Unreachable; after a full observation it
//   is not as of BeforeRestart, either.
//
// kAborted: it does not come after the last observation merged.
// kInvalidArgument: it contradicts itself: a guest without UUID, or one that is
// listed twice, or listed and also removed.
absl::StatusOr<Merged> Merge(const v1::Record& record,
                             const v1::Observation& observation,
                             const Circumstances& known,
                             absl::Time received_at);

// The record without the guests of `dropped`, all of which are among those
// `missing` from it.
Merged WithoutMissing(const v1::Record& record, Missing missing,
                      const std::vector<GuestId>& dropped, absl::Time now);

// The record with another presence, or nullopt if it says so already.
// `condition` replaces the one of its type; without a time of its own it keeps
// that one's `since`, or has stood since `now`. PRESENCE_CURRENT without a
// condition clears Unreachable.
std::optional<v1::Record> WithPresence(
    const v1::Record& record, v1::Presence presence,
    const std::optional<v1::Condition>& condition, absl::Time now);

// The record with the condition, or without the one of that type; nullopt if
// that is no change. As WithPresence() for what the condition replaces.
std::optional<v1::Record> WithCondition(const v1::Record& record,
                                        v1::Condition condition,
                                        absl::Time now);
std::optional<v1::Record> WithoutCondition(const v1::Record& record,
                                           const std::string& type);

// The record as the next run of the controller is to show it at first: STALE at
// best, with the condition BeforeRestart, and without those that are about what
// no run has in common with the next: connections, discovery, who answers.
v1::Record AsOfBeforeRestart(v1::Record record, absl::Time now);

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_MERGE_H_
