// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_CLOCK_H_
#define BASE_CLOCK_H_

#include "absl/time/time.h"
#include "base/mutex.h"

namespace rehai {

// Where time comes from. Wall time is for people, disks and other machines;
// intervals are measured with Uptime(), which never jumps. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time.
  virtual absl::Time Now() const = 0;

  // Time since an unspecified start; only differences mean anything.
  virtual absl::Duration Uptime() const = 0;

  // Waits until `cv` is notified or Uptime() reaches `deadline`. May return
  // early: call it in a loop that checks its condition and Uptime().
  virtual void WaitUntil(absl::Duration deadline, Mutex& mu, CondVar& cv) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;

  // The machine's clock. Never destroyed.
  static Clock& Real();
};

}  // namespace rehai

#endif  // BASE_CLOCK_H_
