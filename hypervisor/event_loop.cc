// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/event_loop.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>

#include <csignal>

#include "absl/status/status.h"
#include "base/log.h"
#include "base/mutex.h"
#include "hypervisor/libvirt_errors.h"

namespace rehai::hypervisor {
namespace {

// libvirt prints every error to stderr unless told otherwise; ours are
// Statuses.
void IgnoreError(void*, virErrorPtr) {}

void DoNothing(int, void*) {}

// Once per process: libvirt's implementation cannot be taken back.
absl::Status RegisterImplementation() {
  std::signal(SIGPIPE, SIG_IGN);
  virSetErrorFunc(nullptr, IgnoreError);
  if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
    const absl::Status status = LastLibvirtError("libvirt");
    return absl::InternalError(status.message());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<EventLoop>> EventLoop::Get() {
  static const absl::Status* const registered =
      new absl::Status(RegisterImplementation());
  if (!registered->ok()) return *registered;
  static Mutex* const mu = new Mutex;
  static std::weak_ptr<EventLoop>* const current = new std::weak_ptr<EventLoop>;
  MutexLock lock(*mu);
  std::shared_ptr<EventLoop> loop = current->lock();
  if (loop == nullptr) {
    loop = std::shared_ptr<EventLoop>(new EventLoop);
    *current = loop;
  }
  return loop;
}

EventLoop::EventLoop() : thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "libvirt-events");
}

EventLoop::~EventLoop() {
  stopping_ = true;
  // The loop waits without a limit; a timer that is due at once wakes it.
  const int timer = virEventAddTimeout(0, DoNothing, nullptr, nullptr);
  thread_.join();
  virEventRemoveTimeout(timer);
}

void EventLoop::Run() {
  while (!stopping_) {
    if (virEventRunDefaultImpl() < 0) {
      log::Error("libvirt event loop failed",
                 {{"error", LastLibvirtError("libvirt").message()}});
      return;
    }
  }
}

}  // namespace rehai::hypervisor
