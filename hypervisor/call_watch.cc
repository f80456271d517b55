// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/call_watch.h"

#include <pthread.h>
#include <unistd.h>

#include "hypervisor/interrupt.h"

namespace rehai::hypervisor {
namespace {

constexpr absl::Duration kInterruptEvery = absl::Milliseconds(10);

}  // namespace

struct CallWatch::Watched {
  // Set at construction.
  const pid_t thread = gettid();
  // Guarded by the watch's lock.
  ByDeadline::iterator position;

  Mutex mu;
  bool ended ABSL_GUARDED_BY(mu) = false;
  bool over_time ABSL_GUARDED_BY(mu) = false;

  void Interrupt() {
    // Under the lock, because the call cannot end while it is held: what the
    // thread does next is never interrupted in its place.
    MutexLock lock(mu);
    if (ended) return;
    over_time = true;
    ShutDownAwaitedSockets(thread);
  }

  bool End() {
    MutexLock lock(mu);
    ended = true;
    return over_time;
  }
};

CallWatch::Call::Call(CallWatch& watch, absl::Duration timeout)
    : watch_(watch), watched_(std::make_shared<Watched>()) {
  watch_.Add(watched_, timeout);
}

bool CallWatch::Call::End() {
  watch_.Remove(*watched_);
  return watched_->End();
}

CallWatch::CallWatch(const Clock& clock)
    : clock_(clock), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "libvirt-watch");
}

CallWatch::~CallWatch() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void CallWatch::Add(const std::shared_ptr<Watched>& watched,
                    absl::Duration timeout) {
  const absl::Duration deadline = clock_.Uptime() + timeout;
  MutexLock lock(mu_);
  watched->position = calls_.emplace(deadline, watched);
  if (deadline < next_look_) changed_.NotifyAll();
}

void CallWatch::Remove(Watched& watched) {
  MutexLock lock(mu_);
  if (watched.position == calls_.end()) return;
  calls_.erase(watched.position);
  watched.position = calls_.end();
}

void CallWatch::Run() {
  while (const std::shared_ptr<Watched> due = AwaitDue()) due->Interrupt();
}

std::shared_ptr<CallWatch::Watched> CallWatch::AwaitDue() {
  MutexLock lock(mu_);
  while (!stopping_) {
    next_look_ =
        calls_.empty() ? absl::InfiniteDuration() : calls_.begin()->first;
    const absl::Duration now = clock_.Uptime();
    if (now < next_look_) {
      clock_.WaitUntil(next_look_, mu_, changed_);
      continue;
    }
    std::shared_ptr<Watched> due = calls_.begin()->second;
    calls_.erase(due->position);
    due->position = calls_.emplace(now + kInterruptEvery, due);
    return due;
  }
  return nullptr;
}

}  // namespace rehai::hypervisor
