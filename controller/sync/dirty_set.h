// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_DIRTY_SET_H_
#define CONTROLLER_SYNC_DIRTY_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "controller/sync/lane_turns.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// DirtySet remembers which hosts may differ from what Chef holds, why, and when
// each may be tried.
//
// - A host is due one window after its first mark; the marks in between ride
//   along.
// - A host waits in the lane of its most urgent reason, which also names the
//   cause. The lanes take turns by weight; within one, who has been due the
//   longest goes first.
// - A host that was taken is not given out again before Acknowledge(), Retry(),
//   Defer() or Park() says what became of it.
// - A mark made during a write survives it, because Acknowledge() and Park()
//   name the revision that was tried.
// - A parked host stays so until a newer mark, Force(), or its recheck time.
//
// Times are Clock::Uptime() values, passed in. Not thread-safe: a plain value
// that its owner guards.
class DirtySet {
 public:
  // Where one host stands.
  struct Standing {
    Revision marked = 0;  // the newest mark; 0 if only forced
    bool in_flight = false;
    bool parked = false;
    // Infinite while in flight, or parked without a recheck.
    absl::Duration due_at = absl::InfiniteDuration();
  };

  // A host whose turn it is, and why.
  struct Taken {
    HostId host;
    v1::Lane lane = v1::LANE_UNSPECIFIED;
    v1::WriteCause cause = v1::WRITE_CAUSE_UNSPECIFIED;
  };

  explicit DirtySet(absl::Duration window) : window_(window) {}

  // The host's belief has changed: LANE_LIVE, WRITE_CAUSE_CHANGE. A mark that
  // is not newer than the last one changes nothing; one on a host that waits
  // for its retry does not shorten the wait, nor that of a deferred host unless
  // it waits in a less urgent lane.
  void Mark(const HostId& host, Revision revision, absl::Duration now);

  // Makes the host due at once, whatever it waits for. If it is in flight, it
  // is due again right after. In LANE_SWEEP it ends no wait: a host that waits
  // for its retry, was deferred or is parked is looked at anyway when its time
  // comes.
  void Force(const HostId& host, v1::Lane lane, v1::WriteCause cause,
             absl::Duration now);

  // The next host, now in flight; nullopt if none is due.
  std::optional<Taken> Take(absl::Duration now);

  // The taken host is being written, for FillStatus().
  void CountBegun(v1::Lane lane);

  // What became of a taken host. Acknowledge: Chef holds `written` (or it
  // needed no write). Retry: it failed; not before then, for the same reason.
  // Defer: it was not tried; not before then. Park: no more tries of `tried`
  // before `recheck_at`, and that one in LANE_SWEEP.
  void Acknowledge(const HostId& host, Revision written);
  void Retry(const HostId& host, absl::Duration not_before);
  void Defer(const HostId& host, absl::Duration not_before);
  void Park(const HostId& host, Revision tried,
            absl::Duration recheck_at = absl::InfiniteDuration());

  // Ends the wait of every host that waits for its retry.
  void RetryNow(absl::Duration now);

  // When Take() will have something; infinite if nothing waits.
  absl::Duration NextDue() const;

  // nullopt if the host is clean.
  std::optional<Standing> Find(const HostId& host) const;

  // Hosts that are dirty and not parked, and how long the oldest of them has
  // been so.
  size_t depth() const { return entries_.size() - parked_; }
  absl::Duration OldestAge(absl::Duration now) const;
  size_t parked() const { return parked_; }

  // Fills lanes, dirty and parked.
  void FillStatus(absl::Duration now, v1::ChefStatus& status) const;

 private:
  struct Reason {
    v1::Lane lane = v1::LANE_UNSPECIFIED;
    v1::WriteCause cause = v1::WRITE_CAUSE_UNSPECIFIED;
  };

  // What keeps a host from being taken as soon as it could be.
  enum class Hold { kNone, kRetry, kDeferred };

  // What came while in flight.
  struct Again {
    Reason reason;
    absl::Duration since = absl::InfiniteDuration();
    absl::Duration due_at = absl::InfiniteDuration();
    bool forced = false;
  };

  struct Entry {
    Revision marked = 0;
    Reason reason;
    absl::Duration since;  // of the oldest mark that is not written yet
    bool in_flight = false;
    bool parked = false;
    Hold hold = Hold::kNone;
    absl::Duration due_at = absl::InfiniteDuration();

    Again again;
  };

  // Of the entries of one lane with a finite due_at.
  using Queue = std::set<std::pair<absl::Duration, HostId>>;

  static Reason MoreUrgent(const Reason& a, const Reason& b);

  Queue& QueueOf(v1::Lane lane);
  // Where the entry waits, and until when.
  void Place(const HostId& host, Entry& entry, const Reason& reason,
             absl::Duration due_at);
  void SetParked(Entry& entry, bool parked);
  // Notes what came while in flight.
  void NoteAgain(Entry& entry, const Reason& reason, absl::Duration now,
                 absl::Duration due_at);
  // The entry of a host in flight, landed; null if it is not in flight.
  Entry* Land(const HostId& host);
  // Queues what came during the flight, if it is newer than `tried`.
  bool QueueAgain(const HostId& host, Entry& entry, Revision tried);
  // Retry() and Defer().
  void WaitAgain(const HostId& host, Hold hold, absl::Duration not_before);

  const absl::Duration window_;

  absl::flat_hash_map<HostId, Entry> entries_;
  std::array<Queue, kLanes.size()> queues_;
  std::array<int64_t, kLanes.size()> begun_ = {};
  LaneTurns turns_;
  size_t parked_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_DIRTY_SET_H_
