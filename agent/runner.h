// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_RUNNER_H_
#define AGENT_RUNNER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai::agent {

// Runner is one thread for many tasks that mostly wait: an agent has one, and a
// thousand agents in one process can share it. A task runs when its time has
// come, or when it is woken; the one that has been due for longest runs first.
//
// Thread-safe.
class Runner {
 private:
  struct Queue;

 public:
  class Task {
   public:
    virtual ~Task() = default;
    // Does what is to be done now. Must not block: others wait. Returns when it
    // is to be run again if nobody wakes it before, by Clock::Uptime().
    virtual absl::Duration Run() = 0;
  };

  // Has one task run soon. Does nothing once the task is removed; may outlive
  // it, and the runner. Thread-safe.
  class Waker {
   public:
    void Wake() const;

   private:
    friend class Runner;
    Waker(std::shared_ptr<Queue> queue, int64_t id)
        : queue_(std::move(queue)), id_(id) {}

    std::shared_ptr<Queue> queue_;
    int64_t id_;
  };

  // `clock` must outlive it and its wakers.
  explicit Runner(const Clock& clock);
  // Every task must have been removed.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // The task, which must live until it is removed, runs for the first time when
  // it is woken.
  Waker Add(Task& task);
  // Waits for the task's run to end, if it has begun; none begins afterwards.
  // Not from a task.
  void Remove(const Waker& waker);

 private:
  struct Entry {
    Task* task;
    absl::Duration at = absl::InfiniteDuration();
  };

  // What the thread and the wakers share.
  struct Queue {
    explicit Queue(const Clock& clock) : clock(clock) {}

    // Has the task run at `at`, or before.
    void Put(int64_t id, absl::Duration at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

    const Clock& clock;

    Mutex mu;
    CondVar changed;  // for the thread
    CondVar ran;      // for Remove()
    bool stopping ABSL_GUARDED_BY(mu) = false;
    int64_t last_id ABSL_GUARDED_BY(mu) = 0;
    int64_t running ABSL_GUARDED_BY(mu) = 0;  // 0: none
    std::map<int64_t, Entry> tasks ABSL_GUARDED_BY(mu);
    // Those of them that have a time.
    std::set<std::pair<absl::Duration, int64_t>> due ABSL_GUARDED_BY(mu);
  };

  void Work();

  const std::shared_ptr<Queue> queue_;
  std::thread thread_;
};

}  // namespace rehai::agent

#endif  // AGENT_RUNNER_H_
