// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_FAKE_CLOCK_H_
#define BASE_FAKE_CLOCK_H_

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai {

// A clock that stands still until told to move. Wall time and uptime move
// together, unless JumpWall() tears them apart as an administrator would.
// A WaitUntil() under way notices an Advance() within a few milliseconds.
// Thread-safe.
class FakeClock final : public Clock {
 public:
  FakeClock() = default;

  absl::Time Now() const override {
    MutexLock lock(mu_);
    return wall_;
  }

  absl::Duration Uptime() const override {
    MutexLock lock(mu_);
    return uptime_;
  }

  void WaitUntil(absl::Duration deadline, Mutex& mu, CondVar& cv) const override
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    // Returning early is allowed, so a waiter needs no registration here: it
    // looks at the fake time again after a moment of real time.
    if (Uptime() < deadline) cv.WaitFor(mu, absl::Milliseconds(1));
  }

  void Advance(absl::Duration by) {
    MutexLock lock(mu_);
    wall_ += by;
    uptime_ += by;
  }

  void JumpWall(absl::Duration by) {
    MutexLock lock(mu_);
    wall_ += by;
  }

 private:
  mutable Mutex mu_;
  absl::Time wall_ ABSL_GUARDED_BY(mu_) = absl::FromUnixSeconds(1795527759);
  absl::Duration uptime_ ABSL_GUARDED_BY(mu_) = absl::Seconds(1000);
};

}  // namespace rehai

#endif  // BASE_FAKE_CLOCK_H_
