// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/service.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/mutex.h"

namespace rehai::agent {
namespace {

constexpr absl::Duration kReadyAfter = absl::Seconds(10);
constexpr absl::Duration kLongestPoll = absl::Hours(1);

absl::Status SystemError(absl::string_view what) {
  return absl::InternalError(absl::StrCat(
      what, ": ", std::strerror(errno), "; is the system out of descriptors?"));
}

}  // namespace

Service::Service(const Clock& clock) : clock_(clock) {}

Service::~Service() {
  if (signals_ >= 0) close(signals_);
  if (changes_ >= 0) close(changes_);
}

absl::Status Service::Open() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) return SystemError("signalfd");
  changes_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (changes_ < 0) return SystemError("eventfd");
  return absl::OkStatus();
}

void Service::Changed() const {
  const uint64_t one = 1;
  (void)!write(changes_, &one, sizeof(one));
}

bool Service::Poll(absl::Duration until) {
  const absl::Duration left =
      std::clamp(until - clock_.Uptime(), absl::ZeroDuration(), kLongestPoll);
  const auto milliseconds = static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
  pollfd fds[] = {{.fd = signals_, .events = POLLIN, .revents = 0},
                  {.fd = changes_, .events = POLLIN, .revents = 0}};
  (void)poll(fds, 2, milliseconds);
  uint64_t count = 0;
  (void)!read(changes_, &count, sizeof(count));
  signalfd_siginfo signal = {};
  if (read(signals_, &signal, sizeof(signal)) != sizeof(signal)) return false;
  log::Info("stopping", {{"signal", signal.ssi_signo}});
  return true;
}

void Service::Wait(absl::FunctionRef<Standing()> standing) {
  absl::Duration ready_at = clock_.Uptime() + kReadyAfter;
  absl::Duration watchdog_at = clock_.Uptime();
  do {
    const Standing now = standing();
    if (now.is_ready || clock_.Uptime() >= ready_at) {
      notifier_.Ready();
      ready_at = absl::InfiniteDuration();
    }
    notifier_.Status(now.text);
    if (clock_.Uptime() >= watchdog_at) {
      if (notifier_.watchdog_interval() < absl::InfiniteDuration()) {
        notifier_.Watchdog();
      }
      watchdog_at = clock_.Uptime() + notifier_.watchdog_interval();
    }
  } while (!Poll(std::min(ready_at, watchdog_at)));
  notifier_.Stopping();
}

bool Service::StopWithin(absl::Duration limit,
                         absl::AnyInvocable<void()> stop) {
  struct Progress {
    Mutex mu;
    CondVar changed;
    bool stopped ABSL_GUARDED_BY(mu) = false;
  };
  const auto progress = std::make_shared<Progress>();
  std::thread thread([progress, stop = std::move(stop)]() mutable {
    stop();
    MutexLock lock(progress->mu);
    progress->stopped = true;
    progress->changed.NotifyAll();
  });
  const absl::Duration deadline = clock_.Uptime() + limit;
  bool has_stopped = false;
  {
    MutexLock lock(progress->mu);
    while (!progress->stopped && clock_.Uptime() < deadline) {
      clock_.WaitUntil(deadline, progress->mu, progress->changed);
    }
    has_stopped = progress->stopped;
  }
  if (has_stopped) {
    thread.join();
  } else {
    thread.detach();
  }
  return has_stopped;
}

}  // namespace rehai::agent
