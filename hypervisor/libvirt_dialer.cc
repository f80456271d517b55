// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_dialer.h"

#include <pthread.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "hypervisor/event_loop.h"
#include "hypervisor/interrupt.h"
#include "hypervisor/libvirt_connection.h"
#include "hypervisor/listener_gate.h"

namespace rehai::hypervisor {
namespace {

// An interrupted open returns in milliseconds or not at all.
constexpr absl::Duration kInterruptGrace = absl::Milliseconds(250);
constexpr absl::Duration kInterruptEvery = absl::Milliseconds(10);

}  // namespace

// One open, shared by Dial() and the thread that does it.
struct LibvirtDialer::Attempt {
  enum class Stage { kOpening, kTooLate, kDone };

  // Set at construction.
  std::string uri;
  DialOptions options;
  LibvirtConnection::Environment environment;
  std::shared_ptr<ListenerGate> gate;

  Mutex mu;
  CondVar changed;
  Stage stage ABSL_GUARDED_BY(mu) = Stage::kOpening;
  // The opening thread; 0 before it runs.
  pid_t thread ABSL_GUARDED_BY(mu) = 0;
  absl::StatusOr<std::unique_ptr<Connection>> result ABSL_GUARDED_BY(mu) =
      absl::UnknownError("still opening");
};

bool LibvirtDialer::UrisUnderWay::Add(const std::string& uri) {
  MutexLock lock(mu_);
  return uris_.insert(uri).second;
}

void LibvirtDialer::UrisUnderWay::Remove(const std::string& uri) {
  MutexLock lock(mu_);
  uris_.erase(uri);
}

LibvirtDialer::LibvirtDialer(const Clock& clock)
    : clock_(clock),
      watch_(std::make_shared<CallWatch>(clock)),
      under_way_(std::make_shared<UrisUnderWay>()) {}

int LibvirtDialer::LeakedConnections() { return LibvirtConnection::Leaked(); }

absl::StatusOr<std::unique_ptr<Connection>> LibvirtDialer::Dial(
    const std::string& uri, const DialOptions& options, Listener& listener) {
  const absl::Duration deadline = clock_.Uptime() + options.connect_timeout;
  auto attempt = std::make_shared<Attempt>();
  attempt->uri = uri;
  attempt->options = options;
  ASSIGN_OR_RETURN(attempt->environment.loop, EventLoop::Get());
  attempt->environment.watch = watch_;
  attempt->gate = std::make_shared<ListenerGate>(listener);
  if (!under_way_->Add(uri)) {
    return absl::UnavailableError(absl::StrCat(
        uri,
        ": an earlier attempt still hangs in its transport, and one at a time "
        "is the limit; wait for it to end"));
  }
  std::thread thread(Open, attempt, under_way_);
  if (AwaitDone(*attempt, deadline)) {
    thread.join();
    MutexLock lock(attempt->mu);
    return std::move(attempt->result);
  }
  attempt->gate->Close();
  const std::string missed = absl::StrCat(
      uri, ": no connection within ",
      absl::FormatDuration(options.connect_timeout),
      "; check that the host is reachable and that its libvirt daemon answers");
  if (Interrupt(*attempt)) {
    thread.join();
    return absl::DeadlineExceededError(missed);
  }
  thread.detach();
  return absl::DeadlineExceededError(absl::StrCat(
      missed,
      " (the attempt hangs in its transport and cannot be ended; until it "
      "ends by itself, this URI is not dialed again)"));
}

bool LibvirtDialer::AwaitDone(Attempt& attempt, absl::Duration deadline) const {
  MutexLock lock(attempt.mu);
  while (attempt.stage == Attempt::Stage::kOpening) {
    if (clock_.Uptime() >= deadline) {
      attempt.stage = Attempt::Stage::kTooLate;
      return false;
    }
    clock_.WaitUntil(deadline, attempt.mu, attempt.changed);
  }
  return true;
}

bool LibvirtDialer::Interrupt(Attempt& attempt) const {
  const absl::Duration deadline = clock_.Uptime() + kInterruptGrace;
  MutexLock lock(attempt.mu);
  while (attempt.stage != Attempt::Stage::kDone) {
    const absl::Duration now = clock_.Uptime();
    if (now >= deadline) return false;
    // Under the lock, because the thread cannot end while it is held.
    if (attempt.thread != 0) InterruptThread(attempt.thread);
    clock_.WaitUntil(now + kInterruptEvery, attempt.mu, attempt.changed);
  }
  return true;
}

void LibvirtDialer::Open(const std::shared_ptr<Attempt>& attempt,
                         const std::shared_ptr<UrisUnderWay>& under_way) {
  pthread_setname_np(pthread_self(), "libvirt-open");
  {
    MutexLock lock(attempt->mu);
    attempt->thread = gettid();
  }
  auto result = LibvirtConnection::Open(attempt->uri, attempt->options,
                                        attempt->environment, attempt->gate);
  Deliver(*attempt, std::move(result));
  under_way->Remove(attempt->uri);
}

void LibvirtDialer::Deliver(
    Attempt& attempt, absl::StatusOr<std::unique_ptr<Connection>> result) {
  {
    MutexLock lock(attempt.mu);
    if (attempt.stage == Attempt::Stage::kOpening) {
      attempt.result = std::move(result);
      attempt.stage = Attempt::Stage::kDone;
      attempt.changed.NotifyAll();
      return;
    }
  }
  // Too late. Closing may block as the open did, so it is done here, where it
  // is interrupted too.
  result = absl::CancelledError("too late");
  MutexLock lock(attempt.mu);
  attempt.stage = Attempt::Stage::kDone;
  attempt.changed.NotifyAll();
}

}  // namespace rehai::hypervisor
