// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/operation_progress.h"

#include "base/proto_time.h"

namespace rehai {

void DoneRate::Restart(absl::Duration now) {
  since_ = now;
  done_.clear();
}

void DoneRate::NoteDone(absl::Duration now) {
  done_.push_back(now);
  if (done_.size() <= kWindow) return;
  since_ = done_.front();
  done_.pop_front();
}

double DoneRate::PerSecond(absl::Duration now) const {
  const double seconds = absl::ToDoubleSeconds(now - since_);
  return seconds > 0 ? static_cast<double>(done_.size()) / seconds : 0;
}

v1::ResyncProgress ProgressOf(const v1::Operation& operation, int under_way,
                              const OutcomeCounts& outcomes,
                              double per_second) {
  v1::ResyncProgress progress;
  const int left = operation.total() - operation.done();
  progress.set_waiting(left - under_way);
  progress.set_under_way(under_way);
  progress.set_done(operation.done());
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i] == 0) continue;
    v1::HostOutcomeCount& count = *progress.add_outcomes();
    count.set_outcome(static_cast<v1::HostOutcome>(i));
    count.set_hosts(static_cast<int32_t>(outcomes[i]));
  }
  if (operation.has_ended_at()) {
    const double seconds = absl::ToDoubleSeconds(
        FromProto(operation.ended_at()) - FromProto(operation.started_at()));
    if (seconds > 0) progress.set_hosts_per_second(operation.done() / seconds);
    return progress;
  }
  progress.set_hosts_per_second(per_second);
  if (per_second > 0 && operation.state() == v1::OPERATION_STATE_RUNNING) {
    *progress.mutable_remaining() = ToProto(absl::Seconds(left / per_second));
  }
  return progress;
}

}  // namespace rehai
