// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_DIAL_RATE_H_
#define CONTROLLER_SOURCE_DIAL_RATE_H_

#include <algorithm>

#include "absl/time/time.h"

namespace rehai {

// DialRate keeps dials to a rate, so that a fleet which comes back at once is
// not dialed at once. After a quiet time as many as fit in `burst` may go
// together. It does as well for an agent's sessions.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class DialRate {
 public:
  static constexpr absl::Duration kBurst = absl::Seconds(1);

  // `per_second` > 0.
  explicit DialRate(double per_second, absl::Duration burst = kBurst)
      : interval_(absl::Seconds(1) / per_second), burst_(burst) {}

  // When the next dial may begin; in the past: at once.
  absl::Duration NextAt() const { return next_at_; }

  // A dial begins.
  void Take(absl::Duration now) {
    next_at_ = std::max(next_at_, now - burst_) + interval_;
  }

 private:
  absl::Duration interval_;
  absl::Duration burst_;
  absl::Duration next_at_ = -absl::InfiniteDuration();
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_DIAL_RATE_H_
