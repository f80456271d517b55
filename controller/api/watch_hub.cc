// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/watch_hub.h"

#include <pthread.h>

#include <utility>
#include <vector>

namespace rehai {

void WatchHub::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "watch-hub");
}

void WatchHub::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    news_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void WatchHub::Notify() {
  MutexLock lock(mu_);
  changed_ = true;
  news_.NotifyAll();
}

void WatchHub::Add(std::shared_ptr<Waiter> waiter) {
  MutexLock lock(mu_);
  const Waiter* const key = waiter.get();
  waiters_.emplace(key, std::move(waiter));
}

void WatchHub::Remove(const Waiter* waiter) {
  std::shared_ptr<Waiter> removed;  // its destructor runs after the unlock
  MutexLock lock(mu_);
  const auto found = waiters_.find(waiter);
  if (found == waiters_.end()) return;
  removed = std::move(found->second);
  waiters_.erase(found);
}

void WatchHub::Run() {
  for (bool last_round = false; !last_round;) {
    std::vector<std::shared_ptr<Waiter>> round;
    {
      MutexLock lock(mu_);
      const absl::Duration due = clock_.Uptime() + interval_;
      while (!changed_ && !stopping_ && clock_.Uptime() < due) {
        clock_.WaitUntil(due, mu_, news_);
      }
      changed_ = false;
      last_round = stopping_;
      round.reserve(waiters_.size());
      for (const auto& [key, waiter] : waiters_) round.push_back(waiter);
    }
    for (const std::shared_ptr<Waiter>& waiter : round) waiter->Wake();
  }
}

}  // namespace rehai
