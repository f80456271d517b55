// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/dirty_set.h"

#include <algorithm>

namespace rehai {

void DirtySet::Mark(const HostId& host, Revision revision, absl::Duration now) {
  auto [it, is_new] = entries_.try_emplace(host);
  Entry& entry = it->second;
  if (!is_new && revision <= entry.marked) return;
  entry.marked = revision;
  if (entry.in_flight) {
    entry.again.since = std::min(entry.again.since, now);
    entry.again.due_at = std::min(entry.again.due_at, now + window_);
    return;
  }
  if (is_new || entry.parked) {
    SetParked(entry, false);
    entry.since = now;
    SetDue(host, entry, std::min(entry.due_at, now + window_));
  }
}

void DirtySet::Force(const HostId& host, absl::Duration now) {
  auto [it, is_new] = entries_.try_emplace(host);
  Entry& entry = it->second;
  if (entry.in_flight) {
    entry.again.since = std::min(entry.again.since, now);
    entry.again.due_at = std::min(entry.again.due_at, now);
    entry.again.forced = true;
    return;
  }
  if (is_new) entry.since = now;
  SetDue(host, entry, std::min(entry.due_at, now));
}

std::optional<HostId> DirtySet::Take(absl::Duration now) {
  if (NextDue() > now) return std::nullopt;
  HostId host = queue_.begin()->second;
  Entry& entry = entries_.at(host);
  SetDue(host, entry, absl::InfiniteDuration());
  entry.in_flight = true;
  entry.retrying = false;
  entry.again = Again();
  return host;
}

void DirtySet::Acknowledge(const HostId& host, Revision written) {
  Entry* entry = Land(host);
  if (entry == nullptr) return;
  SetParked(*entry, false);
  if (!QueueAgain(host, *entry, written)) entries_.erase(host);
}

void DirtySet::Retry(const HostId& host, absl::Duration not_before) {
  Entry* entry = Land(host);
  if (entry == nullptr) return;
  SetParked(*entry, false);
  entry->retrying = !entry->again.forced;
  SetDue(host, *entry, entry->retrying ? not_before : entry->again.due_at);
}

void DirtySet::Park(const HostId& host, Revision tried,
                    absl::Duration recheck_at) {
  Entry* entry = Land(host);
  if (entry == nullptr) return;
  const bool tried_newest = !QueueAgain(host, *entry, tried);
  SetParked(*entry, tried_newest);
  if (tried_newest) SetDue(host, *entry, recheck_at);
}

void DirtySet::RetryNow(absl::Duration now) {
  for (auto& [host, entry] : entries_) {
    if (!entry.retrying) continue;
    entry.retrying = false;
    SetDue(host, entry, std::min(entry.due_at, now));
  }
}

absl::Duration DirtySet::NextDue() const {
  return queue_.empty() ? absl::InfiniteDuration() : queue_.begin()->first;
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

void DirtySet::SetDue(const HostId& host, Entry& entry, absl::Duration due_at) {
  queue_.erase({entry.due_at, host});
  entry.due_at = due_at;
  if (due_at < absl::InfiniteDuration()) queue_.insert({due_at, host});
}

void DirtySet::SetParked(Entry& entry, bool parked) {
  parked_ += static_cast<size_t>(parked) - static_cast<size_t>(entry.parked);
  entry.parked = parked;
}

DirtySet::Entry* DirtySet::Land(const HostId& host) {
  const auto it = entries_.find(host);
  if (it == entries_.end() || !it->second.in_flight) return nullptr;
  it->second.in_flight = false;
  return &it->second;
}

bool DirtySet::QueueAgain(const HostId& host, Entry& entry, Revision tried) {
  if (entry.marked <= tried && !entry.again.forced) return false;
  // Nothing came in flight: the mark from before it was not what was tried, and
  // is overdue.
  if (entry.again.since < absl::InfiniteDuration()) {
    entry.since = entry.again.since;
  }
  SetDue(host, entry, std::min(entry.again.due_at, entry.since + window_));
  return true;
}

}  // namespace rehai
