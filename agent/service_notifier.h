// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SERVICE_NOTIFIER_H_
#define AGENT_SERVICE_NOTIFIER_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::agent {

// Tells systemd how the service does, as sd_notify(3) describes it: a datagram
// per message to the socket that it named. Without one, nothing is told.
//
// Not thread-safe. What cannot be sent is dropped: systemd is not waited for.
class ServiceNotifier {
 public:
  // A variable of the environment; empty if it is not set.
  using Environment = std::function<std::string(const std::string& name)>;

  // Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from there.
  explicit ServiceNotifier(const Environment& environment);
  // From this process's environment.
  ServiceNotifier();
  ~ServiceNotifier();
  ServiceNotifier(const ServiceNotifier&) = delete;
  ServiceNotifier& operator=(const ServiceNotifier&) = delete;

  // Once the service does what it is for.
  void Ready();
  // One line for people; not sent again while it stays the same.
  void Status(absl::string_view text);
  void Stopping();
  void Watchdog();

  // How often Watchdog() is to be called; infinite: never.
  absl::Duration watchdog_interval() const { return watchdog_interval_; }

 private:
  void Send(const std::string& message) const;

  const std::string socket_;
  absl::Duration watchdog_interval_ = absl::InfiniteDuration();
  int fd_ = -1;
  bool ready_ = false;
  std::string status_;
};

}  // namespace rehai::agent

#endif  // AGENT_SERVICE_NOTIFIER_H_
