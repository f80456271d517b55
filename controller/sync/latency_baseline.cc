// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/latency_baseline.h"

#include <algorithm>

namespace rehai {
namespace {

// The share of a new answer in the usual latency.
constexpr double kShareOfNew = 0.1;
// A longer time between two windows is a pause.
constexpr absl::Duration kLongestWindow = absl::Minutes(1);

}  // namespace

void LatencyBaseline::Add(absl::Duration latency) {
  usual_ = usual_ == absl::ZeroDuration()
               ? latency
               : usual_ + kShareOfNew * (latency - usual_);
  ++answers_;
  sum_ += latency;
}

std::optional<absl::Duration> LatencyBaseline::EndWindow(bool measured,
                                                         absl::Duration now) {
  if (answers_ < kSmallestWindow) return std::nullopt;
  const absl::Duration mean = sum_ / answers_;
  age_ += std::min(now - looked_at_, kLongestWindow);
  looked_at_ = now;
  if (measured || best_ == absl::ZeroDuration()) best_ = mean;
  best_ = std::min(best_, mean);
  if (mean <= kNearBest * best_) age_ = absl::ZeroDuration();
  StartWindow();
  return mean;
}

void LatencyBaseline::StartWindow() {
  answers_ = 0;
  sum_ = absl::ZeroDuration();
}

}  // namespace rehai
