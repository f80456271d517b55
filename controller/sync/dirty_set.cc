// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/dirty_set.h"

#include <algorithm>

#include "base/proto_time.h"

namespace rehai {
namespace {

// kLanes is in the order of the enum.
size_t IndexOf(v1::Lane lane) {
  return static_cast<size_t>(lane - kLanes.front());
}

bool IsMoreUrgent(v1::Lane a, v1::Lane b) {
  return b == v1::LANE_UNSPECIFIED || a < b;
}

}  // namespace

DirtySet::Reason DirtySet::MoreUrgent(const Reason& a, const Reason& b) {
  return IsMoreUrgent(b.lane, a.lane) && b.lane != v1::LANE_UNSPECIFIED ? b : a;
}

void DirtySet::Mark(const HostId& host, Revision revision, absl::Duration now) {
  constexpr Reason kReason = {v1::LANE_LIVE, v1::WRITE_CAUSE_CHANGE};
  auto [it, is_new] = entries_.try_emplace(host);
  Entry& entry = it->second;
  if (!is_new && revision <= entry.marked) return;
  entry.marked = revision;
  if (entry.in_flight) {
    NoteAgain(entry, kReason, now, now + window_);
    return;
  }
  if (is_new || entry.parked) entry.since = now;
  SetParked(entry, false);
  if (entry.hold == Hold::kDeferred &&
      IsMoreUrgent(kReason.lane, entry.reason.lane)) {
    entry.hold = Hold::kNone;
  }
  Place(host, entry, MoreUrgent(entry.reason, kReason),
        entry.hold == Hold::kNone ? std::min(entry.due_at, now + window_)
                                  : entry.due_at);
}

void DirtySet::Force(const HostId& host, v1::Lane lane, v1::WriteCause cause,
                     absl::Duration now) {
  const Reason reason = {lane, cause};
  auto [it, is_new] = entries_.try_emplace(host);
  Entry& entry = it->second;
  if (entry.in_flight) {
    NoteAgain(entry, reason, now, now);
    entry.again.forced = true;
    return;
  }
  if (is_new) entry.since = now;
  const bool waits = entry.hold != Hold::kNone || entry.parked;
  if (waits && lane == v1::LANE_SWEEP) return;
  entry.hold = Hold::kNone;
  Place(host, entry, MoreUrgent(entry.reason, reason),
        std::min(entry.due_at, now));
}

std::optional<DirtySet::Taken> DirtySet::Take(absl::Duration now) {
  std::array<bool, kLanes.size()> due;
  for (size_t i = 0; i < kLanes.size(); ++i) {
    due[i] = !queues_[i].empty() && queues_[i].begin()->first <= now;
  }
  const v1::Lane lane = turns_.Next(due);
  if (lane == v1::LANE_UNSPECIFIED) return std::nullopt;
  HostId host = QueueOf(lane).begin()->second;
  Entry& entry = entries_.at(host);
  Place(host, entry, entry.reason, absl::InfiniteDuration());
  entry.in_flight = true;
  entry.hold = Hold::kNone;
  entry.again = Again();
  return Taken{
      .host = std::move(host), .lane = lane, .cause = entry.reason.cause};
}

void DirtySet::CountBegun(v1::Lane lane) { ++begun_[IndexOf(lane)]; }

void DirtySet::Acknowledge(const HostId& host, Revision written) {
  Entry* entry = Land(host);
  if (entry == nullptr) return;
  SetParked(*entry, false);
  if (!QueueAgain(host, *entry, written)) entries_.erase(host);
}

void DirtySet::Retry(const HostId& host, absl::Duration not_before) {
  WaitAgain(host, Hold::kRetry, not_before);
}

void DirtySet::Defer(const HostId& host, absl::Duration not_before) {
  WaitAgain(host, Hold::kDeferred, not_before);
}

void DirtySet::WaitAgain(const HostId& host, Hold hold,
                         absl::Duration not_before) {
  Entry* entry = Land(host);
  if (entry == nullptr) return;
  if (hold == Hold::kRetry) SetParked(*entry, false);
  const Again& again = entry->again;
  entry->hold = again.forced ? Hold::kNone : hold;
  Place(host, *entry, MoreUrgent(entry->reason, again.reason),
        again.forced ? again.due_at : not_before);
}

void DirtySet::Park(const HostId& host, Revision tried,
                    absl::Duration recheck_at) {
  Entry* entry = Land(host);
  if (entry == nullptr) return;
  const bool tried_newest = !QueueAgain(host, *entry, tried);
  SetParked(*entry, tried_newest);
  if (tried_newest) {
    Place(host, *entry, {v1::LANE_SWEEP, entry->reason.cause}, recheck_at);
  }
}

void DirtySet::RetryNow(absl::Duration now) {
  for (auto& [host, entry] : entries_) {
    if (entry.hold != Hold::kRetry) continue;
    entry.hold = Hold::kNone;
    Place(host, entry, entry.reason, std::min(entry.due_at, now));
  }
}

absl::Duration DirtySet::NextDue() const {
  absl::Duration next = absl::InfiniteDuration();
  for (const Queue& queue : queues_) {
    if (!queue.empty()) next = std::min(next, queue.begin()->first);
  }
  return next;
}

std::optional<DirtySet::Standing> DirtySet::Find(const HostId& host) const {
  const auto it = entries_.find(host);
  if (it == entries_.end()) return std::nullopt;
  const Entry& entry = it->second;
  return Standing{.marked = entry.marked,
                  .in_flight = entry.in_flight,
                  .parked = entry.parked,
                  .due_at = entry.due_at};
}

absl::Duration DirtySet::OldestAge(absl::Duration now) const {
  absl::Duration age = absl::ZeroDuration();
  for (const auto& [host, entry] : entries_) {
    if (!entry.parked) age = std::max(age, now - entry.since);
  }
  return age;
}

void DirtySet::FillStatus(absl::Duration now, v1::ChefStatus& status) const {
  std::array<int64_t, kLanes.size()> waiting = {};
  std::array<absl::Duration, kLanes.size()> oldest = {};
  for (const auto& [host, entry] : entries_) {
    if (entry.parked || entry.in_flight) continue;
    const size_t lane = IndexOf(entry.reason.lane);
    ++waiting[lane];
    oldest[lane] = std::max(oldest[lane], now - entry.due_at);
  }
  for (size_t i = 0; i < kLanes.size(); ++i) {
    v1::LaneStatus& lane = *status.add_lanes();
    lane.set_lane(kLanes[i]);
    lane.set_waiting(waiting[i]);
    *lane.mutable_oldest() = ToProto(oldest[i]);
    lane.set_begun(begun_[i]);
  }
  status.set_dirty(static_cast<int64_t>(entries_.size()));
  status.set_parked(static_cast<int64_t>(parked_));
}

DirtySet::Queue& DirtySet::QueueOf(v1::Lane lane) {
  return queues_[IndexOf(lane)];
}

void DirtySet::Place(const HostId& host, Entry& entry, const Reason& reason,
                     absl::Duration due_at) {
  if (entry.due_at < absl::InfiniteDuration()) {
    QueueOf(entry.reason.lane).erase({entry.due_at, host});
  }
  entry.reason = reason;
  entry.due_at = due_at;
  if (due_at < absl::InfiniteDuration()) {
    QueueOf(reason.lane).insert({due_at, host});
  }
}

void DirtySet::SetParked(Entry& entry, bool parked) {
  parked_ += static_cast<size_t>(parked) - static_cast<size_t>(entry.parked);
  entry.parked = parked;
}

void DirtySet::NoteAgain(Entry& entry, const Reason& reason, absl::Duration now,
                         absl::Duration due_at) {
  Again& again = entry.again;
  again.reason = MoreUrgent(again.reason, reason);
  again.since = std::min(again.since, now);
  again.due_at = std::min(again.due_at, due_at);
}

DirtySet::Entry* DirtySet::Land(const HostId& host) {
  const auto it = entries_.find(host);
  if (it == entries_.end() || !it->second.in_flight) return nullptr;
  it->second.in_flight = false;
  return &it->second;
}

bool DirtySet::QueueAgain(const HostId& host, Entry& entry, Revision tried) {
  const Again& again = entry.again;
  if (entry.marked <= tried && !again.forced) return false;
  // Nothing came in flight: the mark from before it was not what was tried, and
  // is overdue.
  const bool came = again.since < absl::InfiniteDuration();
  if (came) entry.since = again.since;
  Place(host, entry, came ? again.reason : entry.reason,
        std::min(again.due_at, entry.since + window_));
  return true;
}

}  // namespace rehai
