// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runner.h"

#include <pthread.h>

namespace rehai::agent {

void Runner::Queue::Put(int64_t id, absl::Duration at) {
  const auto place = tasks.find(id);
  if (place == tasks.end()) return;
  Entry& entry = place->second;
  if (entry.at <= at) return;
  if (entry.at < absl::InfiniteDuration()) due.erase({entry.at, id});
  entry.at = at;
  const bool is_first = due.empty() || std::pair(at, id) < *due.begin();
  due.insert({at, id});
  if (is_first && running == 0) changed.NotifyOne();
}

void Runner::Waker::Wake() const {
  const absl::Duration now = queue_->clock.Uptime();
  MutexLock lock(queue_->mu);
  queue_->Put(id_, now);
}

Runner::Runner(const Clock& clock)
    : queue_(std::make_shared<Queue>(clock)), thread_([this] {
        pthread_setname_np(pthread_self(), "sessions");
        Work();
      }) {}

Runner::~Runner() {
  {
    MutexLock lock(queue_->mu);
    queue_->stopping = true;
    queue_->changed.NotifyOne();
  }
  thread_.join();
}

Runner::Waker Runner::Add(Task& task) {
  MutexLock lock(queue_->mu);
  const int64_t id = ++queue_->last_id;
  queue_->tasks.emplace(id, Entry{.task = &task});
  return Waker(queue_, id);
}

void Runner::Remove(const Waker& waker) {
  Queue& queue = *queue_;
  MutexLock lock(queue.mu);
  while (queue.running == waker.id_) queue.ran.Wait(queue.mu);
  const auto place = queue.tasks.find(waker.id_);
  if (place == queue.tasks.end()) return;
  queue.due.erase({place->second.at, waker.id_});
  queue.tasks.erase(place);
}

void Runner::Work() {
  Queue& queue = *queue_;
  MutexLock lock(queue.mu);
  while (!queue.stopping) {
    if (queue.due.empty()) {
      queue.changed.Wait(queue.mu);
      continue;
    }
    const auto [at, id] = *queue.due.begin();
    if (queue.clock.Uptime() < at) {
      queue.clock.WaitUntil(at, queue.mu, queue.changed);
      continue;
    }
    queue.due.erase(queue.due.begin());
    Entry& entry = queue.tasks.find(id)->second;
    entry.at = absl::InfiniteDuration();
    queue.running = id;
    queue.mu.Unlock();
    const absl::Duration again_at = entry.task->Run();
    queue.mu.Lock();
    queue.running = 0;
    queue.Put(id, again_at);
    queue.ran.NotifyAll();
  }
}

}  // namespace rehai::agent
