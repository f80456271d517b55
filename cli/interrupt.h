// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_INTERRUPT_H_
#define CLI_INTERRUPT_H_

#include <signal.h>

#include <atomic>
#include <functional>
#include <thread>

namespace rehai::cli {

// Interrupt turns Ctrl-C (SIGINT) and SIGTERM into a call while it lives; a
// second one ends the program as usual. Make it before other threads are
// started: they inherit its signal mask.
class Interrupt {
 public:
  // `act` is called once at most, on a thread of its own.
  explicit Interrupt(std::function<void()> act);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool happened() const { return happened_; }

 private:
  void Run();

  const std::function<void()> act_;
  sigset_t signals_;
  sigset_t mask_before_;
  std::atomic<bool> happened_ = false;
  std::thread thread_;
};

}  // namespace rehai::cli

#endif  // CLI_INTERRUPT_H_
