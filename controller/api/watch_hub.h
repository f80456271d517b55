// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_WATCH_HUB_H_
#define CONTROLLER_API_WATCH_HUB_H_

#include <atomic>
#include <memory>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai {

// Somebody who waits for news. Wake() says that there may be some; it may also
// come when there are none, and on any thread.
class Waiter {
 public:
  virtual ~Waiter() = default;
  virtual void Wake() = 0;
};

// WatchHub wakes its waiters after a change, on a thread of its own: whoever
// makes the change is not held up by how many are watching, and changes that
// come while waiters are being woken make one more round, not one each.
//
// It carries no news; waiters look for themselves. Thread-safe. Shares the
// waiters: one that is removed while a round is under way may still be woken
// once.
class WatchHub {
 public:
  // Without a change, waiters are woken every `interval`, for what comes with
  // the time. `clock` must outlive the hub.
  explicit WatchHub(absl::Duration interval = absl::InfiniteDuration(),
                    const Clock& clock = Clock::Real())
      : interval_(interval), clock_(clock) {}
  ~WatchHub() { Stop(); }

  void Start();

  // Wakes everyone a last time, so that they see stopping(), and ends the
  // thread. Once or more.
  void Stop();

  // Something changed. Returns at once.
  void Notify();

  void Add(std::shared_ptr<Waiter> waiter);
  void Remove(const Waiter* waiter);

  // True as soon as Stop() was called: waiters are to end.
  bool stopping() const { return stopping_; }

 private:
  void Run();

  // Set at construction.
  const absl::Duration interval_;
  const Clock& clock_;

  std::atomic<bool> stopping_ = false;
  std::thread thread_;  // touched by Start() and Stop() only

  Mutex mu_;
  CondVar news_;
  bool changed_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<const Waiter*, std::shared_ptr<Waiter>> waiters_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_API_WATCH_HUB_H_
