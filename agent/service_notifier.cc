// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/service_notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace rehai::agent {
namespace {

std::string OfThisProcess(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

// systemd restarts a service that says nothing for WATCHDOG_USEC.
absl::Duration WatchdogInterval(const ServiceNotifier::Environment& value_of) {
  int64_t microseconds = 0;
  if (!absl::SimpleAtoi(value_of("WATCHDOG_USEC"), &microseconds) ||
      microseconds <= 0) {
    return absl::InfiniteDuration();
  }
  // It may be meant for the process that started this one.
  const std::string pid = value_of("WATCHDOG_PID");
  if (!pid.empty() && pid != absl::StrCat(getpid())) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(microseconds) / 2;
}

}  // namespace

ServiceNotifier::ServiceNotifier() : ServiceNotifier(OfThisProcess) {}

ServiceNotifier::ServiceNotifier(const Environment& environment)
    : socket_(environment("NOTIFY_SOCKET")) {
  if (socket_.empty()) return;
  watchdog_interval_ = WatchdogInterval(environment);
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

ServiceNotifier::~ServiceNotifier() {
  if (fd_ >= 0) close(fd_);
}

void ServiceNotifier::Ready() {
  if (ready_) return;
  ready_ = true;
  Send("READY=1");
}

void ServiceNotifier::Status(absl::string_view text) {
  const std::string line = absl::StrReplaceAll(text, {{"\n", " "}});
  if (line == status_) return;
  status_ = line;
  Send(absl::StrCat("STATUS=", line));
}

void ServiceNotifier::Stopping() { Send("STOPPING=1"); }

void ServiceNotifier::Watchdog() { Send("WATCHDOG=1"); }

void ServiceNotifier::Send(const std::string& message) const {
  sockaddr_un address = {};
  if (fd_ < 0 || socket_.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  // A name in the abstract namespace, which begins with a zero.
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  (void)sendto(fd_, message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);
}

}  // namespace rehai::agent
