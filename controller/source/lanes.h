// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_LANES_H_
#define CONTROLLER_SOURCE_LANES_H_

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include "controller/source/dial_rate.h"
#include "proto/ids.h"

namespace rehai {

// Lanes holds the hosts that wait for their next step and says whose may begin
// when.
//
// - A step has one of two lanes: that of dials, which take their time, or the
//   quick one. Each has so many places; the dials' has two fewer, so that what
//   is quick finds a worker while a fleet is dialed.
// - A step that is under way for longer than what is usual gives its place to
//   another one, up to a bound: hosts that hang do not keep the others waiting.
// - Dials keep to a rate.
// - What has been due for longest begins first.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class Lanes {
 public:
  enum class Lane { kQuick, kDial };

  struct Options {
    int workers = 8;
    // Steps in each lane that may give their places away.
    int spare_workers = 24;
    absl::Duration slow_step = absl::Milliseconds(500);
    absl::Duration slow_dial = absl::Seconds(2);
    double dials_per_second = 50;
  };

  // A step that begins.
  struct Begun {
    HostId host;
    Lane lane;
    absl::Duration at;
  };

  // Of a lane's hosts, those whose steps are due and wait for their place.
  struct Waiting {
    int64_t hosts = 0;
    absl::Duration oldest = absl::ZeroDuration();  // due for so long
  };

  explicit Lanes(const Options& options);

  // Threads that can be busy at once.
  int threads() const;

  // A host waits for its step, due at `at`; it does not wait in any lane yet.
  void Put(Lane lane, absl::Duration at, const HostId& host);
  // It does not any more.
  void Remove(Lane lane, absl::Duration at, const HostId& host);

  // When something may begin, as things are; in the past: now.
  absl::Duration NextAt(absl::Duration now) const;
  // The step that begins now, if one may.
  std::optional<Begun> Begin(absl::Duration now);
  void End(const Begun& begun);

  // Steps that have given their places away.
  int Overdue(Lane lane, absl::Duration now) const;
  Waiting WaitingAt(absl::Duration now) const;

 private:
  struct Queue {
    int places;
    int spare;
    absl::Duration slow;  // a step is not usually under way for longer
    std::set<std::pair<absl::Duration, HostId>> due;
    std::multiset<absl::Duration> begun;  // of the steps under way

    int Overdue(absl::Duration now) const;
    // When there is a place, if nothing ends before.
    absl::Duration PlaceAt(absl::Duration now) const;
  };

  Queue& QueueOf(Lane lane) { return lane == Lane::kDial ? dials_ : quick_; }
  absl::Duration NextAt(Lane lane, absl::Duration now) const;

  Queue quick_;
  Queue dials_;
  DialRate dial_rate_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_LANES_H_
