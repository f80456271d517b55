// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_RATE_LIMITER_H_
#define BASE_RATE_LIMITER_H_

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai {

// A token bucket that never sleeps: it says how long to wait.
//
// Tokens come at `per_second` and up to `burst` of them are kept for later.
// Reserve() always grants and may drive the bucket into debt; the debt is the
// wait it returns, so callers are served in the order in which they asked.
// Thread-safe. Leaf lock.
class RateLimiter {
 public:
  // Starts full. `per_second` > 0, `burst` >= 1.
  RateLimiter(const Clock& clock, double per_second, double burst);

  // Takes `tokens` and returns the wait before they may be used.
  absl::Duration Reserve(double tokens = 1);

  // The wait that Reserve(tokens) would return now. Takes nothing.
  absl::Duration Peek(double tokens = 1) const;

 private:
  double TokensNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration WaitFor(double tokens_left) const;

  // Set at construction.
  const Clock& clock_;
  const double per_second_;
  const double burst_;

  mutable Mutex mu_;
  double tokens_ ABSL_GUARDED_BY(mu_);
  absl::Duration counted_at_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // BASE_RATE_LIMITER_H_
