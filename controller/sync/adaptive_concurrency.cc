// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/adaptive_concurrency.h"

#include <algorithm>

namespace rehai {
namespace {

// The share of a new answer in the usual latency.
constexpr double kShareOfNew = 0.1;
// A pause does not make the best grow old: nothing was looked at in it.
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
  if (answers_ >= std::max(limit(), kSmallestWindow)) EndWindow(in_flight, now);
}

void AdaptiveConcurrency::OnOverload(int in_flight) {
  if (!IsFromBefore()) Halve(in_flight);
}

void AdaptiveConcurrency::StartOver() {
  limit_ = 1;
  StartWindow(/*in_flight=*/0);
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
  if (timed_ > 0) {
    const absl::Duration mean = sum_ / timed_;
    if (!KnowsBest(mean, now)) {
      measuring_ = true;
      return StartWindow(in_flight);
    }
    if (mean > kSlowFloor && mean > kSlowFactor * best_) {
      return Halve(in_flight);
    }
  }
  limit_ = std::min(limit_ + 1, max_);
  StartWindow(/*in_flight=*/0);
}

bool AdaptiveConcurrency::KnowsBest(absl::Duration mean, absl::Duration now) {
  best_age_ += std::min(now - looked_at_, kLongestAgeing);
  looked_at_ = now;
  if (best_ == absl::ZeroDuration() || mean < best_ || measuring_) {
    best_ = mean;
  }
  measuring_ = false;
  if (mean <= kNearBest * best_) best_age_ = absl::ZeroDuration();
  return best_age_ < kBestGoodFor;
}

void AdaptiveConcurrency::Halve(int in_flight) {
  limit_ = std::max(1, limit_ / 2);
  StartWindow(in_flight);
}

void AdaptiveConcurrency::StartWindow(int in_flight) {
  from_before_ = in_flight;
  answers_ = 0;
  timed_ = 0;
  sum_ = absl::ZeroDuration();
}

}  // namespace rehai
