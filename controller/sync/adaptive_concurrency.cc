// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/adaptive_concurrency.h"

#include <algorithm>
#include <cmath>

namespace rehai {
namespace {

// The share of a new answer in the usual latency.
constexpr double kShareOfNew = 0.1;
// A pause does not make the best grow old: nothing was learnt in it.
constexpr absl::Duration kLongestAgeing = absl::Minutes(1);

}  // namespace

void AdaptiveConcurrency::OnGoodAnswer(std::optional<absl::Duration> latency,
                                       int in_flight, absl::Duration now) {
  if (latency.has_value()) {
    latency_ = latency_ == absl::ZeroDuration()
                   ? *latency
                   : latency_ + kShareOfNew * (*latency - latency_);
  }
  if (IsFromBefore()) return;
  ++answers_;
  if (latency.has_value()) {
    ++timed_;
    sum_ += *latency;
  }
  if (answers_ >= std::max(limit_, kSmallestWindow)) EndWindow(in_flight, now);
}

void AdaptiveConcurrency::OnOverload(int in_flight) {
  if (!IsFromBefore()) Halve(in_flight);
}

void AdaptiveConcurrency::StartOver() {
  limit_ = 1;
  from_before_ = 0;
  StartWindow();
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
  bool is_slow = false;
  if (timed_ > 0) {
    const absl::Duration mean = sum_ / timed_;
    LearnBest(mean, now);
    is_slow = mean > kSlowFloor && mean > kSlowFactor * best_;
  }
  if (is_slow) return Halve(in_flight);
  limit_ = std::min(limit_ + 1, max_);
  StartWindow();
}

void AdaptiveConcurrency::LearnBest(absl::Duration mean, absl::Duration now) {
  if (best_ == absl::ZeroDuration()) {
    best_ = mean;
  } else {
    const absl::Duration aged = std::min(now - best_learnt_at_, kLongestAgeing);
    best_ = std::min(mean,
                     best_ * std::exp2(absl::FDivDuration(aged, kBestDoubles)));
  }
  best_learnt_at_ = now;
}

void AdaptiveConcurrency::Halve(int in_flight) {
  limit_ = std::max(1, limit_ / 2);
  from_before_ = in_flight;
  StartWindow();
}

void AdaptiveConcurrency::StartWindow() {
  answers_ = 0;
  timed_ = 0;
  sum_ = absl::ZeroDuration();
}

}  // namespace rehai
