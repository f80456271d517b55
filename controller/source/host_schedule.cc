// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/host_schedule.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace rehai {
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

}  // namespace

HostSchedule::HostSchedule(const Options& options, const HostId& host)
    : options_(options), phase_(PhaseOf(host)) {
  if (options.volatile_interval < absl::InfiniteDuration()) {
    volatile_at_ = -absl::InfiniteDuration();
  }
}

HostSchedule::NextStep HostSchedule::Next() const {
  if (connected_) {
    if (closed_at_.has_value()) return {Step::kClose, *closed_at_};
    return {Step::kRead,
            std::min({relist_at_, hints_at_, reread_at_, volatile_at_})};
  }
  if (observed_ && !declared_unknown_ && down_since_.has_value()) {
    const absl::Duration unknown_at = *down_since_ + options_.unknown_after;
    if (unknown_at <= dial_at()) {
      return {Step::kDeclareUnknown, unknown_at};
    }
  }
  return {Step::kDial, dial_at()};
}

void HostSchedule::GuestEvent(const GuestId& guest, absl::Duration now) {
  if (!connected_) return;  // the read after the dial will see it
  hinted_guests_.insert(guest);
  hints_at_ = std::min(hints_at_, now + options_.event_window);
}

void HostSchedule::HostEvent(absl::Duration now) {
  if (!connected_) return;
  hinted_host_ = true;
  hints_at_ = std::min(hints_at_, now + options_.event_window);
}

void HostSchedule::Closed(absl::Duration now) {
  // A new connection may die before its dial is reported here; an old one is
  // taken down before Failed() forgets this.
  if (!closed_at_.has_value()) closed_at_ = now;
}

void HostSchedule::WantReread(absl::Duration now) {
  reread_at_ = std::min(reread_at_, now);
}

void HostSchedule::Dialed(absl::Duration now) {
  connected_ = true;
  relist_at_ = now;
}

hypervisor::ReadRequest HostSchedule::BeginRead(absl::Duration now) {
  hypervisor::ReadRequest request;
  request.everything = relist_at_ <= now || reread_at_ <= now;
  if (!request.everything) {
    request.changed.assign(hinted_guests_.begin(), hinted_guests_.end());
    request.host = hinted_host_;
  }
  request.volatile_values = volatile_at_ <= now;
  reread_at_ = absl::InfiniteDuration();
  ForgetHints();
  return request;
}

std::optional<absl::Duration> HostSchedule::ReadEnded(
    const hypervisor::ReadRequest& request,
    const std::vector<std::string>& unread_uuids, absl::Duration begun,
    absl::BitGenRef random) {
  observed_ = true;
  declared_unknown_ = false;
  failures_ = 0;
  if (!proven_since_.has_value()) proven_since_ = begun;
  if (request.everything) {
    relist_at_ = NextMoment(options_.relist_interval, phase_, begun);
  }
  if (request.volatile_values) {
    volatile_at_ = NextMoment(options_.volatile_interval, phase_, begun);
  }

  if (unread_uuids.empty()) {
    incomplete_reads_ = 0;
  } else {
    ++incomplete_reads_;
    for (const std::string& uuid : unread_uuids) {
      hinted_guests_.insert(GuestId{uuid});
    }
    hints_at_ = std::min(
        hints_at_,
        begun + BackoffDelay(options_.reconnect, incomplete_reads_, random));
  }

  std::optional<absl::Duration> away;
  if (down_since_.has_value()) away = begun - *down_since_;
  down_since_.reset();
  return away;
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
  connected_ = false;
  closed_at_.reset();
  proven_since_.reset();
  incomplete_reads_ = 0;
  ForgetHints();

  // A URI that can never work is only tried again in case the world changed.
  const bool hopeless = dialing && code == absl::StatusCode::kInvalidArgument;
  const int failures = hopeless ? std::numeric_limits<int>::max() : failures_;
  dial_at_ = now + BackoffDelay(options_.reconnect, failures, random);

  const bool was_up = !down_since_.has_value();
  if (was_up) down_since_ = now;
  return was_up;
}

v1::Presence HostSchedule::presence() const {
  if (!observed_) return v1::PRESENCE_NEVER_SEEN;
  if (!down_since_.has_value()) return v1::PRESENCE_CURRENT;
  return declared_unknown_ ? v1::PRESENCE_UNKNOWN : v1::PRESENCE_STALE;
}

void HostSchedule::ForgetHints() {
  hints_at_ = absl::InfiniteDuration();
  hinted_guests_.clear();
  hinted_host_ = false;
}

}  // namespace rehai
