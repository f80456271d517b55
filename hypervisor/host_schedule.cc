// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/host_schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "hypervisor/last_word.h"

namespace rehai::hypervisor {
namespace {

// A place in an interval that stays the same over restarts, and differs from
// host to host.
double PhaseOf(const HostId& host) {
  constexpr int kSlots = 1'000'000;
  const size_t slot = std::hash<std::string>()(host.node) % kSlots;
  return static_cast<double>(slot) / kSlots;
}

absl::Duration NextMoment(absl::Duration interval, double phase,
                          absl::Duration after) {
  const absl::Duration offset = interval * phase;
  return absl::Floor(after - offset, interval) + interval + offset;
}

GuestEvent WordIn(const HostSchedule::Hints& hints, const GuestId& guest) {
  const auto hint = hints.guests.find(guest);
  return hint == hints.guests.end() ? GuestEvent::kChanged
                                    : hint->second.last_word;
}

// True if no further failure makes the wait longer.
bool IsLongest(const BackoffOptions& backoff, int failures) {
  return backoff.min * std::pow(backoff.factor, failures - 1) >= backoff.max;
}

}  // namespace

HostSchedule::HostSchedule(const Options& options, const HostId& host,
                           absl::Duration now)
    : options_(options),
      phase_(PhaseOf(host)),
      dial_at_(now),
      disconnected_at_(now) {
  if (options.volatile_interval < absl::InfiniteDuration()) volatile_at_ = now;
}

void HostSchedule::Restored(absl::Duration now) {
  observed_ = true;
  restored_ = true;
  down_since_ = now;
}

HostSchedule::NextStep HostSchedule::Next() const {
  if (announce_at_ < absl::InfiniteDuration()) {
    return {Step::kAnnounce, announce_at_};
  }
  if (connected_) {
    if (closed_at_.has_value()) return {Step::kClose, *closed_at_};
    if (unwanted_at_.has_value()) return {Step::kClose, *unwanted_at_};
    if (left_at_.has_value() && read_at_ >= left_at_) {
      return {Step::kClose, *read_at_};
    }
    return {Step::kRead, std::min({relist_at_, hints_at_, reread_at_, look_at_,
                                   volatile_at_})};
  }
  if (left_at_.has_value()) {
    return {Step::kForget, *left_at_ + options_.keep_departed};
  }
  if (agent_speaks()) return {Step::kAsk, std::min(reread_at_, look_at_)};
  if (observed_ && !declared_unknown_ && down_since_.has_value()) {
    const absl::Duration unknown_at = *down_since_ + options_.unknown_after;
    if (unknown_at <= dial_at()) {
      return {Step::kDeclareUnknown, unknown_at};
    }
  }
  return {Step::kDial, dial_at()};
}

bool HostSchedule::DialNow(absl::Duration now) {
  if (connected_ || has_left() || agent_speaks() || !dialable_ ||
      dial_at() <= now) {
    return false;
  }
  dial_at_ = now;
  return true;
}

void HostSchedule::Leave(absl::Duration now) {
  if (has_left()) return;
  left_at_ = now;
  AgentFellSilent(now, absl::ZeroDuration());
  if (connected_) WantReread(now);  // a last look
}

void HostSchedule::Return(absl::Duration now) {
  if (!has_left()) return;
  left_at_.reset();
  if (!connected_) dial_at_ = now;
}

void HostSchedule::MovedUri(absl::Duration now) {
  failures_ = 0;
  unsettled_ = 0;
  if (connected_) {
    unwanted_at_ = now;
  } else {
    dial_at_ = now;
  }
}

std::optional<absl::Duration> HostSchedule::AgentSpoke(absl::Duration now,
                                                       bool taken_in) {
  if (!agent_speaks()) {
    agent_since_ = now;
    if (connected_) unwanted_at_ = now;
  }
  if (taken_in) observed_ = true;
  declared_unknown_ = false;
  waits_longest_ = false;
  failures_ = 0;
  unsettled_ = 0;
  return EndDown(now);
}

std::optional<absl::Duration> HostSchedule::EndDown(absl::Duration now) {
  std::optional<absl::Duration> away;
  if (down_since_.has_value() && !restored_) away = now - *down_since_;
  down_since_.reset();
  restored_ = false;
  return away;
}

bool HostSchedule::AgentFellSilent(absl::Duration now, absl::Duration wait) {
  if (!agent_speaks()) return false;
  agent_since_.reset();
  declared_unknown_ = false;
  look_at_ = absl::InfiniteDuration();
  dial_at_ = now + wait;
  disconnected_at_ = now;
  if (!down_since_.has_value()) down_since_ = now;
  return true;
}

void HostSchedule::Asked(absl::Duration now) {
  if (reread_at_ <= now) reread_at_ = absl::InfiniteDuration();
  if (look_at_ <= now) look_at_ = absl::InfiniteDuration();
}

void HostSchedule::WantAnnounce(absl::Duration now) {
  announce_at_ = std::min(announce_at_, now);
}

void HostSchedule::Hinted(const GuestId& guest, GuestEvent event,
                          absl::Duration now) {
  if (!connected_) return;  // the read after the dial will see it
  auto hint = hints_.guests.find(guest);
  if (hint == hints_.guests.end() && hints_.guests.size() < kMostHinted) {
    hint = hints_.guests.emplace(guest, Hints::OfGuest{now}).first;
  }
  if (hint != hints_.guests.end()) {
    hint->second.last_word = LastWord(hint->second.last_word, event);
  } else {
    hints_.has_more = true;
  }
  hints_at_ = std::min(hints_at_, HintDueAt(now));
}

void HostSchedule::HostEvent(absl::Duration now) {
  if (!connected_) return;
  if (!hints_.host.has_value()) hints_.host = now;
  hints_at_ = std::min(hints_at_, HintDueAt(now));
}

absl::Duration HostSchedule::HintDueAt(absl::Duration now) const {
  return std::max(now, hints_read_at_ + options_.event_window);
}

void HostSchedule::Closed(absl::Duration now) {
  // A new connection may die before its dial is reported here; an old one is
  // taken down before Disconnect() forgets this.
  if (!closed_at_.has_value()) closed_at_ = now;
}

void HostSchedule::WantReread(absl::Duration now) {
  reread_at_ = std::min(reread_at_, now);
}

HostSchedule::Intervals HostSchedule::intervals() const {
  return {.relist = options_.relist_interval,
          .event_window = options_.event_window,
          .volatile_values = options_.volatile_interval};
}

void HostSchedule::SetIntervals(const Intervals& intervals,
                                absl::Duration now) {
  const Intervals before = this->intervals();
  options_.relist_interval = intervals.relist;
  options_.event_window = intervals.event_window;
  options_.volatile_interval = intervals.volatile_values;
  if (intervals.relist != before.relist && relist_at_ > now &&
      relist_at_ < absl::InfiniteDuration()) {
    relist_at_ = NextMoment(intervals.relist, phase_, now);
  }
  if (intervals.volatile_values == before.volatile_values) return;
  if (intervals.volatile_values == absl::InfiniteDuration()) {
    volatile_at_ = absl::InfiniteDuration();
  } else if (volatile_at_ == absl::InfiniteDuration()) {
    volatile_at_ = now;
  } else if (volatile_at_ > now) {
    volatile_at_ = NextMoment(intervals.volatile_values, phase_, now);
  }
}

void HostSchedule::Dialed(absl::Duration now) {
  dial_at_ = std::min(dial_at(), now);
  connected_ = true;
  relist_at_ = now;
}

HostSchedule::Reading HostSchedule::BeginRead(absl::Duration now) {
  Reading reading;
  reading.begun = now;
  reading.hints = std::exchange(hints_, {});
  const Hints& hints = reading.hints;
  if (!hints.guests.empty() || hints.host.has_value()) hints_read_at_ = now;
  ReadRequest& request = reading.request;
  request.everything = relist_at_ <= now || reread_at_ <= now ||
                       hints.guests.size() > kMostTargeted;
  if (!request.everything) {
    std::set<GuestId> guests = std::move(unread_);
    for (const auto& [guest, hint] : hints.guests) guests.insert(guest);
    request.changed.assign(guests.begin(), guests.end());
    request.host = hints.host.has_value();
  }
  request.volatile_values = volatile_at_ <= now;
  unread_.clear();
  reread_at_ = absl::InfiniteDuration();
  hints_at_ = absl::InfiniteDuration();
  if (look_at_ <= now) look_at_ = absl::InfiniteDuration();
  return reading;
}

GuestEvent HostSchedule::LastWordOf(const GuestId& guest,
                                    const Reading& reading) const {
  return LastWord(WordIn(reading.hints, guest), WordIn(hints_, guest));
}

std::optional<absl::Duration> HostSchedule::ReadEnded(
    const Reading& reading, const std::vector<std::string>& unread_uuids,
    absl::BitGenRef random, bool taken_in) {
  const absl::Duration begun = reading.begun;
  if (taken_in) observed_ = true;
  declared_unknown_ = false;
  waits_longest_ = false;
  failures_ = 0;
  if (!proven_since_.has_value()) proven_since_ = begun;
  read_at_ = begun;
  if (reading.request.everything) {
    relist_at_ = NextMoment(options_.relist_interval, phase_, begun);
  }
  if (reading.request.volatile_values) {
    volatile_at_ = NextMoment(options_.volatile_interval, phase_, begun);
  }

  if (unread_uuids.empty()) {
    incomplete_reads_ = 0;
  } else {
    ++incomplete_reads_;
    for (const std::string& uuid : unread_uuids) unread_.insert({uuid});
    hints_at_ = std::min(
        hints_at_,
        begun + BackoffDelay(options_.reconnect, incomplete_reads_, random));
  }

  // It is down for lack of its agent, and this connection is given up.
  if (unwanted_at_.has_value()) return std::nullopt;
  return EndDown(begun);
}

bool HostSchedule::Failed(absl::StatusCode code, absl::Duration now,
                          absl::BitGenRef random) {
  if (proven_since_.has_value()) {
    const bool settled = now - *proven_since_ >= options_.reconnect.max;
    unsettled_ = settled ? 1 : unsettled_ + 1;
    failures_ = unsettled_;
  } else {
    ++failures_;
  }
  const bool dialing = !connected_;
  // A failed dial answers those who asked; a failed read answers those who
  // asked before it began, and BeginRead() has forgotten them already.
  if (dialing) reread_at_ = absl::InfiniteDuration();

  // A URI that can never work is only tried again in case the world changed.
  const bool hopeless = dialing && code == absl::StatusCode::kInvalidArgument;
  const int failures = hopeless ? std::numeric_limits<int>::max() : failures_;
  dial_at_ = now + BackoffDelay(options_.reconnect, failures, random);
  waits_longest_ = IsLongest(options_.reconnect, failures);

  const bool was_up =
      !down_since_.has_value() || std::exchange(restored_, false);
  Disconnect(now);
  return was_up;
}

void HostSchedule::ClosedUnwanted(absl::Duration now) {
  // Later, if its agent fell silent in this moment.
  dial_at_ = std::max(dial_at_, now);
  waits_longest_ = false;
  Disconnect(now);
}

void HostSchedule::Disconnect(absl::Duration now) {
  connected_ = false;
  disconnected_at_ = now;
  closed_at_.reset();
  unwanted_at_.reset();
  proven_since_.reset();
  read_at_.reset();
  incomplete_reads_ = 0;
  hints_at_ = absl::InfiniteDuration();
  hints_ = {};
  unread_.clear();
  if (agent_speaks()) return;
  look_at_ = absl::InfiniteDuration();
  if (!down_since_.has_value()) down_since_ = now;
}

v1::Presence HostSchedule::presence() const {
  if (!observed_) return v1::PRESENCE_NEVER_SEEN;
  if (!down_since_.has_value()) return v1::PRESENCE_CURRENT;
  return declared_unknown_ ? v1::PRESENCE_UNKNOWN : v1::PRESENCE_STALE;
}

HostSchedule::Shown HostSchedule::ShownAt(absl::Duration now) const {
  if (connected_ && proven_since_.has_value()) {
    return {v1::CONNECTION_STATE_UP, *proven_since_};
  }
  if (left_at_.has_value()) {
    return {v1::CONNECTION_STATE_DEPARTED,
            std::max(*left_at_, disconnected_at_)};
  }
  if (agent_speaks() && !connected_) {
    return {v1::CONNECTION_STATE_AGENT, *agent_since_};
  }
  if (!dialable_) return {v1::CONNECTION_STATE_NO_URI, disconnected_at_};
  if (connected_ || dial_at() <= now) {
    return {v1::CONNECTION_STATE_DIALING, std::min(dial_at(), now)};
  }
  return {waits_longest_ ? v1::CONNECTION_STATE_QUARANTINED
                         : v1::CONNECTION_STATE_WAITING,
          disconnected_at_};
}

}  // namespace rehai::hypervisor
