// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SERVICE_H_
#define AGENT_SERVICE_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/service_notifier.h"
#include "base/clock.h"

namespace rehai::agent {

// Service is the process around the daemon: it waits for the signal to end, and
// meanwhile tells systemd how it goes. Make it before any thread is started.
class Service {
 public:
  // What is told.
  struct Standing {
    bool is_ready = false;
    std::string text;
  };

  // `clock` must outlive it.
  explicit Service(const Clock& clock);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // kInternal: the system has no descriptors for it. SIGTERM and SIGINT are
  // blocked from here on, in this thread and those that it starts.
  absl::Status Open();

  // standing() may say something else now. On any thread.
  void Changed() const;

  // Returns when the process is to end. It is ready when standing() says so, or
  // after a while: a service that waits for others is not one that fails.
  void Wait(absl::FunctionRef<Standing()> standing);

  // Calls `stop`, which may block, and returns when it has, or when it has
  // taken too long: false. Then the process is to end at once, as a thread is
  // still in it.
  bool StopWithin(absl::Duration limit, absl::AnyInvocable<void()> stop);

 private:
  // True if there is a signal.
  bool Poll(absl::Duration until);

  const Clock& clock_;
  ServiceNotifier notifier_;
  int signals_ = -1;
  int changes_ = -1;
};

}  // namespace rehai::agent

#endif  // AGENT_SERVICE_H_
