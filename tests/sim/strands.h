// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_STRANDS_H_
#define TESTS_SIM_STRANDS_H_

#include <cstdint>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "tests/sim/scheduler.h"

namespace rehai::sim {

// Strands run what blocks, in virtual time: each has a thread of its own, and
// exactly one thread of all, its caller's included, runs at any moment. So a
// call that hangs for a virtual minute holds its caller as a real one does, and
// still every run of a seed is the same.
class Strands {
 public:
  explicit Strands(Scheduler& scheduler) : scheduler_(scheduler) {}
  // Every task has ended.
  ~Strands();

  Strands(const Strands&) = delete;
  Strands& operator=(const Strands&) = delete;

  // Runs `task` until it ends or first sleeps. Not from a task.
  void Run(absl::AnyInvocable<void()> task);

  // In a task: others go on for so long. Elsewhere, and while EndAll() is at
  // it, returns at once.
  void Sleep(absl::Duration wait);

  // Tasks that have begun and not ended.
  int busy() const { return busy_; }

  // Lets every task go on to its end without sleeping.
  void EndAll();

 private:
  struct Strand {
    std::binary_semaphore go{0};
    absl::AnyInvocable<void()> task;  // null: idle
    int64_t sleep = 0;                // the number of the last one
    bool is_asleep = false;
    bool ends = false;
    std::thread thread;
  };

  void Work(Strand& strand);
  void Resume(Strand& strand);

  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Strand>> strands_;
  Strand* current_ = nullptr;
  std::binary_semaphore back_{0};
  bool hurries_ = false;
  int busy_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_STRANDS_H_
