// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_OPERATION_PROGRESS_H_
#define CONTROLLER_SYNC_OPERATION_PROGRESS_H_

#include <array>
#include <cstddef>
#include <deque>

#include "absl/time/time.h"
#include "rehai/v1/resync.pb.h"

namespace rehai {

// Hosts by outcome.
using OutcomeCounts = std::array<int64_t, v1::HostOutcome_ARRAYSIZE>;

// How fast hosts are done of late: the rate over the last kWindow of them, or
// all since the time of the last Restart(). That nothing is done lowers it.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class DoneRate {
 public:
  static constexpr size_t kWindow = 50;

  explicit DoneRate(absl::Duration now) : since_(now) {}

  // What came before says nothing of what comes.
  void Restart(absl::Duration now);
  void NoteDone(absl::Duration now);
  // 0 if nothing was done, or no time has passed.
  double PerSecond(absl::Duration now) const;

 private:
  absl::Duration since_;
  std::deque<absl::Duration> done_;  // the last kWindow, all after since_
};

// How far an operation is that has so many hosts under way.
// The rate counts while it runs. Pure.
v1::ResyncProgress ProgressOf(const v1::Operation& operation, int under_way,
                              const OutcomeCounts& outcomes, double per_second);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_OPERATION_PROGRESS_H_
