// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace rehai {
namespace {

class RealClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }

  absl::Duration Uptime() const override {
    return absl::FromChrono(
        std::chrono::steady_clock::now().time_since_epoch());
  }

  void WaitUntil(absl::Duration deadline, Mutex& mu, CondVar& cv) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    const absl::Duration left = deadline - Uptime();
    if (left > absl::ZeroDuration()) cv.WaitFor(mu, left);
  }
};

}  // namespace

Clock& Clock::Real() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

}  // namespace rehai
