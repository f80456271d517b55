// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_MOVES_H_
#define CONTROLLER_SOURCE_MOVES_H_

#include <deque>
#include <map>
#include <optional>

#include "absl/time/time.h"
#include "proto/ids.h"

namespace rehai {

// Moves knows which guests may be on their way from one host of the fleet to
// another, from what their hosts' events say. A guest that a host does not list
// any more may be, if
//
// - that host said that it migrated away, not longer than `departure` ago; or
// - another host has told of it by an event that no read has answered yet, not
//   longer than `arrival` ago; or
// - its own host has told of it by an event, answered or not, or was first seen
//   to lack it, not longer than `settle` ago: a migrating guest runs there
//   before it is gone here, but what the two hosts say comes by two ways, and
//   this one may have been the faster.
//
// Times are Clock::Uptime() values, passed in. It forgets what is over, so what
// it holds is bounded by the events of those times. A plain value, not
// thread-safe.
class Moves {
 public:
  struct Options {
    absl::Duration departure = absl::Seconds(30);
    absl::Duration arrival = absl::Seconds(5);
    absl::Duration settle = absl::Milliseconds(50);
  };

  explicit Moves(const Options& options) : options_(options) {}

  // The host says that the guest migrated away.
  void MigratedAway(const HostId& host, const GuestId& guest,
                    absl::Duration now);

  // The host says that the guest is there, whatever it said before.
  void CameBack(const HostId& host, const GuestId& guest, absl::Duration now);

  // The host tells of the guest by an event.
  void Hinted(const HostId& host, const GuestId& guest, absl::Duration now);

  // The host does not list the guest, and did before.
  void Missed(const HostId& host, const GuestId& guest, absl::Duration now);

  // A read of the host that began at `begun` has been taken in: it answers the
  // hints from before.
  void Answered(const HostId& host, const GuestId& guest, absl::Duration begun);

  // Until when the guest may be on its way from `host`; not after `now`: it is
  // not.
  absl::Duration MovingUntil(const HostId& host, const GuestId& guest,
                             absl::Duration now) const;

  // The host said not long ago that the guest migrated away, and nothing else
  // since.
  bool HasLeft(const HostId& host, const GuestId& guest,
               absl::Duration now) const;

 private:
  // Hosts and since when.
  using Since = std::map<HostId, absl::Duration>;
  // Guests by what their hosts said of them, for so long at most.
  struct Signs {
    std::map<GuestId, Since> guests;
    // In the order in which they were given, for forgetting.
    struct Given {
      absl::Duration at;
      HostId host;
      GuestId guest;
    };
    std::deque<Given> given;

    void Add(const HostId& host, const GuestId& guest, absl::Duration now);
    void Remove(const HostId& host, const GuestId& guest, absl::Duration until);
    void ForgetBefore(absl::Duration time);
    // When the host last gave one.
    std::optional<absl::Duration> Find(const HostId& host,
                                       const GuestId& guest) const;
  };

  const Options options_;
  Signs departures_;
  Signs arrivals_;
  Signs own_;  // of the host itself: events, and lists that lack the guest
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_MOVES_H_
