// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/interrupt.h"

#include <pthread.h>

#include <utility>

namespace rehai::cli {
namespace {

// Wakes the thread to end it; nobody else sends it.
constexpr int kEnd = SIGUSR1;

}  // namespace

Interrupt::Interrupt(std::function<void()> act) : act_(std::move(act)) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, kEnd);
  pthread_sigmask(SIG_BLOCK, &signals_, &mask_before_);
  thread_ = std::thread([this] { Run(); });
}

Interrupt::~Interrupt() {
  pthread_kill(thread_.native_handle(), kEnd);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void Interrupt::Run() {
  int signal = 0;
  sigwait(&signals_, &signal);
  if (signal == kEnd) return;
  happened_ = true;
  act_();
  // From here on this thread takes the signals in the usual way.
  sigset_t usual = signals_;
  sigdelset(&usual, kEnd);
  pthread_sigmask(SIG_UNBLOCK, &usual, nullptr);
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, kEnd);
  sigwait(&end, &signal);
}

}  // namespace rehai::cli
