// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/moves.h"

#include <algorithm>

namespace rehai {

void Moves::Signs::Add(const HostId& host, const GuestId& guest,
                       absl::Duration now) {
  guests[guest][host] = now;
  given.push_back({.at = now, .host = host, .guest = guest});
}

void Moves::Signs::Remove(const HostId& host, const GuestId& guest,
                          absl::Duration until) {
  const auto hosts = guests.find(guest);
  if (hosts == guests.end()) return;
  const auto since = hosts->second.find(host);
  if (since == hosts->second.end() || since->second > until) return;
  hosts->second.erase(since);
  if (hosts->second.empty()) guests.erase(hosts);
}

void Moves::Signs::ForgetBefore(absl::Duration time) {
  while (!given.empty() && given.front().at < time) {
    // Does not remove one that was given again since.
    Remove(given.front().host, given.front().guest, given.front().at);
    given.pop_front();
  }
}

std::optional<absl::Duration> Moves::Signs::Find(const HostId& host,
                                                 const GuestId& guest) const {
  const auto hosts = guests.find(guest);
  if (hosts == guests.end()) return std::nullopt;
  const auto since = hosts->second.find(host);
  if (since == hosts->second.end()) return std::nullopt;
  return since->second;
}

void Moves::MigratedAway(const HostId& host, const GuestId& guest,
                         absl::Duration now) {
  departures_.ForgetBefore(now - options_.departure);
  departures_.Add(host, guest, now);
}

void Moves::CameBack(const HostId& host, const GuestId& guest,
                     absl::Duration now) {
  departures_.Remove(host, guest, now);
}

void Moves::Hinted(const HostId& host, const GuestId& guest,
                   absl::Duration now) {
  arrivals_.ForgetBefore(now - options_.arrival);
  arrivals_.Add(host, guest, now);
  own_.ForgetBefore(now - options_.settle);
  own_.Add(host, guest, now);
}

void Moves::Missed(const HostId& host, const GuestId& guest,
                   absl::Duration now) {
  own_.ForgetBefore(now - options_.settle);
  own_.Add(host, guest, now);
}

void Moves::Answered(const HostId& host, const GuestId& guest,
                     absl::Duration begun) {
  arrivals_.Remove(host, guest, begun);
}

bool Moves::HasLeft(const HostId& host, const GuestId& guest,
                    absl::Duration now) const {
  const std::optional<absl::Duration> left = departures_.Find(host, guest);
  return left.has_value() && now <= *left + options_.departure;
}

absl::Duration Moves::MovingUntil(const HostId& host, const GuestId& guest,
                                  absl::Duration now) const {
  absl::Duration until = now;
  if (const auto left = departures_.Find(host, guest)) {
    until = std::max(until, *left + options_.departure);
  }
  if (const auto told = own_.Find(host, guest)) {
    until = std::max(until, *told + options_.settle);
  }
  if (const auto hinted = arrivals_.guests.find(guest);
      hinted != arrivals_.guests.end()) {
    for (const auto& [other, since] : hinted->second) {
      if (other == host) continue;
      until = std::max(until, since + options_.arrival);
    }
  }
  return until;
}

}  // namespace rehai
