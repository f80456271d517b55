// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/adaptive_concurrency.h"

#include <algorithm>
#include <utility>

namespace rehai {

void AdaptiveConcurrency::OnGoodAnswer(Kind kind,
                                       std::optional<absl::Duration> latency,
                                       int in_flight, absl::Duration now) {
  if (IsFromBefore()) return;
  if (latency.has_value()) {
    baselines_[static_cast<size_t>(kind)].Add(*latency);
    last_ = kind;
  }
  ++answers_;
  if (answers_ >= std::max(limit(), LatencyBaseline::kSmallestWindow)) {
    EndWindow(in_flight, now);
  }
}

void AdaptiveConcurrency::OnOverload(int in_flight) {
  if (!IsFromBefore()) Halve(in_flight);
}

void AdaptiveConcurrency::StartOver() {
  limit_ = 1;
  StartAfresh(/*in_flight=*/0);
}

void AdaptiveConcurrency::SetMax(int max) {
  // Whoever was at the old maximum was held back by nothing else.
  limit_ = limit_ == max_ ? max : std::min(limit_, max);
  max_ = max;
}

bool AdaptiveConcurrency::IsFromBefore() {
  if (from_before_ == 0) return false;
  --from_before_;
  return true;
}

void AdaptiveConcurrency::EndWindow(int in_flight, absl::Duration now) {
  answers_ = 0;
  const bool measured = std::exchange(measuring_, false);
  bool is_slow = false;
  bool is_stale = false;
  for (LatencyBaseline& baseline : baselines_) {
    const std::optional<absl::Duration> mean =
        baseline.EndWindow(measured, now);
    if (!mean.has_value()) continue;
    is_slow |= *mean > kSlowFloor && *mean > kSlowFactor * baseline.best();
    is_stale |= baseline.IsStale();
  }
  if (is_stale) {
    measuring_ = true;
    StartAfresh(in_flight);
  } else if (is_slow) {
    Halve(in_flight);
  } else {
    limit_ = std::min(limit_ + 1, max_);
  }
}

void AdaptiveConcurrency::Halve(int in_flight) {
  limit_ = std::max(1, limit_ / 2);
  StartAfresh(in_flight);
}

void AdaptiveConcurrency::StartAfresh(int in_flight) {
  from_before_ = in_flight;
  answers_ = 0;
  for (LatencyBaseline& baseline : baselines_) baseline.StartWindow();
}

}  // namespace rehai
