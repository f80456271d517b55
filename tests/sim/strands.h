// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_STRANDS_H_
#define TESTS_SIM_STRANDS_H_

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "tests/sim/scheduler.h"

namespace rehai::sim {

// Strands run what blocks, in virtual time: each has a stack of its own, all
// share the one thread of who owns them, and exactly one, or its caller, runs
// at any moment. So a call that hangs for a virtual minute holds its caller as
// a real one does, and still every run of a seed is the same. Threads instead
// of stacks would do too, and take ten times as long to change over.
//
// A task must hold no lock while it sleeps, as another strand may want it.
class Strands {
 public:
  explicit Strands(Scheduler& scheduler) : scheduler_(scheduler) {}
  // Every task has ended.
  ~Strands() = default;

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
  // A stack, and where the thread goes on when it is given to it.
  struct Place {
    ucontext_t context;
    // For AddressSanitizer, which has to know of each stack.
    void* fake_stack = nullptr;
    const void* bottom = nullptr;
    size_t size = 0;
  };
  struct Strand {
    Place place;
    std::unique_ptr<char[]> stack;
    absl::AnyInvocable<void()> task;  // null: idle
    int64_t sleep = 0;                // the number of the last one
    bool is_asleep = false;
  };

  // Gives it a stack.
  void Prepare(Strand& strand);
  // What a new stack begins with: `high` and `low` are the halves of `this`.
  static void Begin(unsigned high, unsigned low);
  // Runs the tasks of the strand that is current, and never returns.
  void Work();
  void Resume(Strand& strand);
  // Returns when somebody switches back.
  static void Switch(Place& from, Place& to);
  static void Arrive(Place& here, Place* came_from);

  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Strand>> strands_;
  Strand* current_ = nullptr;
  Place owner_;
  bool hurries_ = false;
  int busy_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_STRANDS_H_
