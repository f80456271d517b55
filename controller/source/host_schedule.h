// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_HOST_SCHEDULE_H_
#define CONTROLLER_SOURCE_HOST_SCHEDULE_H_

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "hypervisor/connection.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// HostSchedule decides what is to be done about one hypervisor next, and when.
// It is told what happened and does nothing itself: no I/O, no clock, no lock.
//
// - A host that is down is dialed after a wait that grows with each failure. A
//   connection that ends before it has settled counts as a failure too, so a
//   host that comes and goes is left alone for longer and longer.
// - After each dial everything is read; again at every relist, whose moments
//   are spread over the interval by the host's name; and when somebody asks.
// - Volatile values are read with the first read of all, and then once per
//   interval of their own, spread likewise.
// - Hints wait for the event window and are then read together: only the guests
//   they name. A hint or a question that comes while a read is under way makes
//   another read, because that one may have looked before.
// - Guests that could not be read are tried again after a wait that grows.
//
// All times are Clock::Uptime(). Not thread-safe; its owner lets one step run
// at a time and calls Next() between steps.
class HostSchedule {
 public:
  struct Options {
    BackoffOptions reconnect;
    absl::Duration relist_interval;  // > 0
    absl::Duration event_window;
    absl::Duration unknown_after;
    // Infinite: never.
    absl::Duration volatile_interval = absl::InfiniteDuration();
  };

  enum class Step {
    kDial,
    kRead,
    kClose,           // the connection is dead: take it down
    kDeclareUnknown,  // it has been down for too long to be relied on
  };

  struct NextStep {
    Step step;
    absl::Duration at;  // in the past: now

    friend bool operator==(const NextStep&, const NextStep&) = default;
  };

  // Due to be dialed at once.
  HostSchedule(const Options& options, const HostId& host);

  NextStep Next() const;

  // When a host that is down is to be dialed.
  absl::Duration dial_at() const { return std::min(dial_at_, reread_at_); }

  // What the connection's listener hears.
  void GuestEvent(const GuestId& guest, absl::Duration now);
  void HostEvent(absl::Duration now);
  void Closed(absl::Duration now);

  // Somebody wants to know for sure: read everything now, dial at once.
  void WantReread(absl::Duration now);
  // True until a read begins that answers it, or a dial fails.
  bool reread_wanted() const { return reread_at_ < absl::InfiniteDuration(); }

  // A dial ended well. Everything is to be read now.
  void Dialed(absl::Duration now);

  // A read begins; it answers all that was wanted until now.
  hypervisor::ReadRequest BeginRead(absl::Duration now);
  // The read that began at `begun` ended well, but for these guests. What it
  // found is as old as its begin, so times count from there. Returns for how
  // long the host was down, if it was.
  std::optional<absl::Duration> ReadEnded(
      const hypervisor::ReadRequest& request,
      const std::vector<std::string>& unread_uuids, absl::Duration begun,
      absl::BitGenRef random);

  // A dial or a read failed, or the dead connection is closed. Returns true if
  // the host was up, or thought to be, until now.
  bool Failed(absl::StatusCode code, absl::Duration now,
              absl::BitGenRef random);

  // kDeclareUnknown is done.
  void DeclaredUnknown() { declared_unknown_ = true; }

  // How to show the host.
  v1::Presence presence() const;

 private:
  void ForgetHints();

  // Set at construction.
  const Options options_;
  // Where in each interval the host's moments are, in [0, 1).
  const double phase_;

  bool observed_ = false;  // ever
  absl::Duration volatile_at_ = absl::InfiniteDuration();
  bool connected_ = false;

  // Of a host that is down.
  absl::Duration dial_at_ = -absl::InfiniteDuration();
  std::optional<absl::Duration> down_since_;
  bool declared_unknown_ = false;
  int failures_ = 0;   // since the last good read
  int unsettled_ = 0;  // connections in a row that did not last

  // Of a connection.
  std::optional<absl::Duration> closed_at_;     // dead, not taken down yet
  std::optional<absl::Duration> proven_since_;  // its first good read
  absl::Duration relist_at_ = absl::InfiniteDuration();
  int incomplete_reads_ = 0;  // in a row

  // What to read, and when. Infinite: not wanted.
  absl::Duration reread_at_ = absl::InfiniteDuration();
  absl::Duration hints_at_ = absl::InfiniteDuration();
  std::set<GuestId> hinted_guests_;
  bool hinted_host_ = false;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_HOST_SCHEDULE_H_
