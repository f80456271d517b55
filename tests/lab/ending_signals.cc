// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/ending_signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace rehai::lab {
namespace {

constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP};

sigset_t Watched() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : kEnding) sigaddset(&set, signal);
  sigaddset(&set, SIGCHLD);
  return set;
}

}  // namespace

EndingSignals::EndingSignals() {
  // Blocked in this thread and all that it makes; left pending by the kernel.
  const sigset_t set = Watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool EndingSignals::Pending() const {
  sigset_t pending;
  sigpending(&pending);
  for (int signal : kEnding) {
    if (sigismember(&pending, signal) == 1) return true;
  }
  return false;
}

bool EndingSignals::Wait() {
  const sigset_t set = Watched();
  int signal = 0;
  sigwait(&set, &signal);
  return signal != SIGCHLD;
}

bool EndingSignals::WaitFor(int fd) const {
  sigset_t ending;
  sigemptyset(&ending);
  for (int signal : kEnding) sigaddset(&ending, signal);
  // It only looks: the signals stay pending.
  const int signals = signalfd(-1, &ending, SFD_CLOEXEC);
  pollfd wait[] = {{signals, POLLIN, 0}, {fd, POLLIN, 0}};
  while (poll(wait, 2, -1) < 0 && errno == EINTR) continue;
  close(signals);
  return Pending();
}

}  // namespace rehai::lab
