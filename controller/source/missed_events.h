// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_MISSED_EVENTS_H_
#define CONTROLLER_SOURCE_MISSED_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "proto/ids.h"

namespace rehai {

// MissedEvents counts the changes on one host that a read found and of which no
// event has told: a transport or driver that loses events shows here.
//
// - An event may tell of a change from the begin of the read before, which did
//   not see the change, until kGrace after the read that did: events may be
//   slower than reads.
// - The first read of a connection counts nothing: while there was none, there
//   were no events. A lost connection takes the events on their way with it.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class MissedEvents {
 public:
  static constexpr absl::Duration kGrace = absl::Seconds(2);
  // An operator is told of a host so often at most.
  static constexpr absl::Duration kReportInterval = absl::Hours(1);

  // An event told of the guest.
  void Told(const GuestId& guest, absl::Duration now);

  // A read that began at `begun` has ended. `eventful`: guests with a change
  // that has an event.
  void ReadEnded(const std::vector<GuestId>& eventful, absl::Duration begun,
                 absl::Duration now);

  // The connection is lost.
  void Lost(absl::Duration now);

  // Changes missed, ever. Never decreases.
  int64_t Count(absl::Duration now) const;

  // The changes that an operator has not been told of yet, if there are any and
  // it is time to.
  std::optional<int64_t> TakeReport(absl::Duration now);

 private:
  // A host cannot make us remember more than this: beyond it all guests count
  // as told of.
  static constexpr size_t kMostTold = 4096;

  bool IsTold(const GuestId& guest) const;
  // Counts the suspects whose grace is over.
  void Settle(absl::Duration now);

  // Begin of the last read of this connection.
  std::optional<absl::Duration> read_begun_;
  // When events last told of guests, since read_begun_ at least.
  std::map<GuestId, absl::Duration> told_;
  // When more were told of than are remembered; the last time.
  std::optional<absl::Duration> told_all_;
  // Changes found of which no event has told, and when.
  std::map<GuestId, absl::Duration> suspects_;
  int64_t settled_ = 0;

  int64_t reported_ = 0;
  absl::Duration report_at_ = -absl::InfiniteDuration();
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_MISSED_EVENTS_H_
