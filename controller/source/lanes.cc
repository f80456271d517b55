// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/lanes.h"

#include <algorithm>
#include <iterator>

namespace rehai {

Lanes::Lanes(const Options& options)
    : quick_{.places = options.workers,
             .spare = options.spare_workers,
             .slow = options.slow_step,
             .due = {},
             .begun = {}},
      dials_{.places = std::max(1, options.workers - 2),
             .spare = options.spare_workers,
             .slow = options.slow_dial,
             .due = {},
             .begun = {}},
      dial_rate_(options.dials_per_second) {}

int Lanes::threads() const {
  // The dials' places are among the workers, what they give away is not.
  return quick_.places + quick_.spare + dials_.spare;
}

void Lanes::Put(Lane lane, absl::Duration at, const HostId& host) {
  QueueOf(lane).due.emplace(at, host);
}

void Lanes::Remove(Lane lane, absl::Duration at, const HostId& host) {
  QueueOf(lane).due.erase({at, host});
}

int Lanes::Queue::Overdue(absl::Duration now) const {
  const auto usual = begun.upper_bound(now - slow);
  return std::min(spare, static_cast<int>(std::distance(begun.begin(), usual)));
}

absl::Duration Lanes::Queue::PlaceAt(absl::Duration now) const {
  const int overdue = Overdue(now);
  if (static_cast<int>(begun.size()) - overdue < places) return now;
  if (overdue == spare) return absl::InfiniteDuration();
  return *std::next(begun.begin(), overdue) + slow;
}

absl::Duration Lanes::NextAt(Lane lane, absl::Duration now) const {
  const Queue& queue = lane == Lane::kDial ? dials_ : quick_;
  if (queue.due.empty()) return absl::InfiniteDuration();
  absl::Duration at = std::max(queue.due.begin()->first, queue.PlaceAt(now));
  if (lane == Lane::kDial) at = std::max(at, dial_rate_.NextAt());
  return at;
}

absl::Duration Lanes::NextAt(absl::Duration now) const {
  return std::min(NextAt(Lane::kQuick, now), NextAt(Lane::kDial, now));
}

std::optional<Lanes::Begun> Lanes::Begin(absl::Duration now) {
  for (const Lane lane : {Lane::kQuick, Lane::kDial}) {
    if (NextAt(lane, now) > now) continue;
    Queue& queue = QueueOf(lane);
    Begun begun{.host = queue.due.begin()->second, .lane = lane, .at = now};
    queue.due.erase(queue.due.begin());
    queue.begun.insert(now);
    if (lane == Lane::kDial) dial_rate_.Take(now);
    return begun;
  }
  return std::nullopt;
}

void Lanes::End(const Begun& begun) {
  Queue& queue = QueueOf(begun.lane);
  queue.begun.erase(queue.begun.find(begun.at));
}

int Lanes::Overdue(Lane lane, absl::Duration now) const {
  return (lane == Lane::kDial ? dials_ : quick_).Overdue(now);
}

Lanes::Waiting Lanes::WaitingAt(absl::Duration now) const {
  Waiting waiting;
  for (const Queue* queue : {&quick_, &dials_}) {
    if (queue->due.empty() || queue->due.begin()->first > now) continue;
    waiting.oldest = std::max(waiting.oldest, now - queue->due.begin()->first);
    for (const auto& [at, host] : queue->due) {
      if (at > now) break;
      ++waiting.hosts;
    }
  }
  return waiting;
}

}  // namespace rehai
