// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_PULL_STATISTICS_H_
#define CONTROLLER_SOURCE_PULL_STATISTICS_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/source/duration_histogram.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// What the pull source has done since its start, over all hosts. A plain value,
// not thread-safe.
class PullStatistics {
 public:
  // A dial ended, well or not, after `took`.
  void DialEnded(const absl::Status& status, absl::Duration took);
  // A connection ended that was wanted still.
  void ConnectionLost() { ++lost_connections_; }
  void ReadEnded(bool ok, absl::Duration took);

  void EventHeard() { ++events_; }
  // The record shows what an event told of, so long after it was heard.
  void EventShown(absl::Duration after) { event_to_record_.Add(after); }
  // A host is forgotten that missed so many events.
  void KeepMissed(int64_t count) { missed_events_ += count; }

  // Fills all but connections, overdue_reads, waiting and oldest_due, and the
  // missed_events of hosts that are not forgotten.
  void FillStatus(v1::PullStatus& status) const;

 private:
  int64_t dials_ = 0;
  std::map<std::string, int64_t> failed_dials_;
  int64_t lost_connections_ = 0;
  int64_t reads_ = 0;
  int64_t failed_reads_ = 0;
  int64_t events_ = 0;
  int64_t missed_events_ = 0;
  DurationHistogram event_to_record_;
  DurationHistogram dial_time_;
  DurationHistogram read_time_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_PULL_STATISTICS_H_
