// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LISTENER_GATE_H_
#define HYPERVISOR_LISTENER_GATE_H_

#include "absl/functional/function_ref.h"
#include "base/mutex.h"
#include "hypervisor/connection.h"

namespace rehai::hypervisor {

// ListenerGate stands between a connection and its Listener: once Close() has
// returned, no call is under way and none will ever get through. Events of a
// connection that is gone, which may still be queued, thus find a closed gate
// instead of a dead Listener.
//
// Its lock is a leaf: it is not held while the Listener is called, so a
// Listener may take any lock that is not held by a caller of Close(). Close()
// must not be called from the Listener. Thread-safe.
class ListenerGate {
 public:
  explicit ListenerGate(Listener& listener) : listener_(&listener) {}

  // Calls `call` with the listener, unless the gate is closed.
  void Call(absl::FunctionRef<void(Listener&)> call) {
    Listener* listener = nullptr;
    {
      MutexLock lock(mu_);
      if (listener_ == nullptr) return;
      listener = listener_;
      ++calls_;
    }
    call(*listener);
    MutexLock lock(mu_);
    if (--calls_ == 0) idle_.NotifyAll();
  }

  bool IsOpen() const {
    MutexLock lock(mu_);
    return listener_ != nullptr;
  }

  // Closes the gate and waits for calls under way. May be called again.
  void Close() {
    MutexLock lock(mu_);
    listener_ = nullptr;
    while (calls_ > 0) idle_.Wait(mu_);
  }

 private:
  mutable Mutex mu_;
  CondVar idle_;
  // Null when closed.
  Listener* listener_ ABSL_GUARDED_BY(mu_);
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LISTENER_GATE_H_
