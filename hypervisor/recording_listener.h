// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_RECORDING_LISTENER_H_
#define HYPERVISOR_RECORDING_LISTENER_H_

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "hypervisor/connection.h"

namespace rehai::hypervisor {

// Notes what a connection tells, for tests to wait for. Thread-safe.
class RecordingListener final : public Listener {
 public:
  void OnGuestEvent(const GuestId& guest, GuestEvent event) override {
    MutexLock lock(mu_);
    guests_.push_back(guest);
    if (event == GuestEvent::kMigratedAway) migrated_away_.insert(guest.uuid);
    changed_.NotifyAll();
  }
  void OnHostEvent() override {
    MutexLock lock(mu_);
    ++host_events_;
    changed_.NotifyAll();
  }
  void OnClosed(const std::string& reason) override {
    MutexLock lock(mu_);
    closed_.push_back(reason);
    changed_.NotifyAll();
  }

  // Waits for a hint of this guest, and forgets it. False after half a minute.
  bool AwaitGuestEvent(const GuestId& guest) {
    MutexLock lock(mu_);
    const bool found = Await([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::find(guests_.begin(), guests_.end(), guest) != guests_.end();
    });
    std::erase(guests_, guest);
    return found;
  }
  bool AwaitMigratedAway(const GuestId& guest) {
    MutexLock lock(mu_);
    return Await([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return migrated_away_.contains(guest.uuid);
    });
  }
  bool AwaitHostEvent() {
    MutexLock lock(mu_);
    return Await(
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return host_events_ > 0; });
  }
  bool AwaitClosed() {
    MutexLock lock(mu_);
    return Await(
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !closed_.empty(); });
  }

  // The reasons of all OnClosed().
  std::vector<std::string> closed() const {
    MutexLock lock(mu_);
    return closed_;
  }
  bool has_migrated_away(const GuestId& guest) const {
    MutexLock lock(mu_);
    return migrated_away_.contains(guest.uuid);
  }
  // Of any kind, waited for or not.
  bool has_guest_events() const {
    MutexLock lock(mu_);
    return !guests_.empty();
  }

 private:
  bool Await(absl::FunctionRef<bool()> condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    while (!condition()) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }

  mutable Mutex mu_;
  CondVar changed_;
  std::vector<GuestId> guests_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> migrated_away_ ABSL_GUARDED_BY(mu_);
  int host_events_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> closed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_RECORDING_LISTENER_H_
