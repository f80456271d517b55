// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_EVENT_LOOP_H_
#define HYPERVISOR_EVENT_LOOP_H_

#include <atomic>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace rehai::hypervisor {

// EventLoop is the thread on which libvirt delivers the events of all
// connections and answers their keepalives. There is one per process, because
// libvirt has one. If it stalls for half a minute, every hypervisor drops us:
// no callback may block or call libvirt.
//
// Whoever opens a connection holds it for as long as the connection lives; it
// stops with its last holder and starts again with the next. It sets SIGPIPE to
// be ignored in the whole process: libvirt writes to its sockets and to ssh
// without protection against it.
class EventLoop {
 public:
  // The running loop. Get it before the first connection is opened, or that
  // one has no events. kInternal: libvirt cannot be initialised. Thread-safe.
  static absl::StatusOr<std::shared_ptr<EventLoop>> Get();

  // Stops and joins the thread. Not on that thread.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

 private:
  EventLoop();
  void Run();

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_EVENT_LOOP_H_
