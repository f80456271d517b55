// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_DIRTY_SET_H_
#define CONTROLLER_SYNC_DIRTY_SET_H_

#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "proto/ids.h"

namespace rehai {

// DirtySet remembers which hosts may differ from what Chef holds, and when each
// may be tried.
//
// - A host is due one window after its first mark; the marks in between ride
//   along.
// - A host that was taken is not given out again before Acknowledge(), Retry()
//   or Park() says how its write ended.
// - A mark made during a write survives it, because Acknowledge() and Park()
//   name the revision that was tried.
// - A parked host stays so until a newer mark, Force(), or its recheck time.
// - Who has been due the longest is taken first.
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

  explicit DirtySet(absl::Duration window) : window_(window) {}

  // The host's belief has changed. A mark that is not newer than the last one
  // changes nothing; one on a host that waits for its retry does not shorten
  // the wait.
  void Mark(const HostId& host, Revision revision, absl::Duration now);

  // Makes the host due at once, whatever it waits for. If it is in flight, it
  // is due again right after.
  void Force(const HostId& host, absl::Duration now);

  // The host that has been due the longest, now in flight; nullopt if none is
  // due.
  std::optional<HostId> Take(absl::Duration now);

  // How the write of a taken host ended. Acknowledge: Chef holds `written` (or
  // it needed no write). Retry: not before then. Park: no more tries of
  // `tried` before `recheck_at`.
  void Acknowledge(const HostId& host, Revision written);
  void Retry(const HostId& host, absl::Duration not_before);
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

 private:
  // What came while in flight.
  struct Again {
    absl::Duration since = absl::InfiniteDuration();
    absl::Duration due_at = absl::InfiniteDuration();
    bool forced = false;
  };

  struct Entry {
    Revision marked = 0;
    absl::Duration since;  // of the oldest mark that is not written yet
    bool in_flight = false;
    bool parked = false;
    bool retrying = false;
    absl::Duration due_at = absl::InfiniteDuration();

    Again again;
  };

  void SetDue(const HostId& host, Entry& entry, absl::Duration due_at);
  void SetParked(Entry& entry, bool parked);
  // The entry of a host in flight, landed; null if it is not in flight.
  Entry* Land(const HostId& host);
  // Queues what came during the flight, if it is newer than `tried`.
  bool QueueAgain(const HostId& host, Entry& entry, Revision tried);

  const absl::Duration window_;

  absl::flat_hash_map<HostId, Entry> entries_;
  // Of the entries with a finite due_at.
  std::set<std::pair<absl::Duration, HostId>> queue_;
  size_t parked_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_DIRTY_SET_H_
