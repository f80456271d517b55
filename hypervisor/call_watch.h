// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_CALL_WATCH_H_
#define HYPERVISOR_CALL_WATCH_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai::hypervisor {

// CallWatch ends calls on established libvirt connections that take longer than
// they may. libvirt has no timeout for a call, and its keepalive only notices a
// peer that says nothing at all: a daemon may answer pings and never the call.
// At its deadline the call loses the socket that it waits on, and so does its
// connection.
//
// One thread watches all calls. Whoever makes calls shares the watch; the
// thread ends with the last of them. Thread-safe.
class CallWatch {
 private:
  struct Watched;
  using ByDeadline = std::multimap<absl::Duration, std::shared_ptr<Watched>>;

 public:
  // A call of the thread that makes this object: from here to End().
  class Call {
   public:
    // `watch` must outlive it.
    Call(CallWatch& watch, absl::Duration timeout);
    ~Call() { End(); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // The call has returned; whatever the thread does now is left alone. True
    // if it was over time: its connection has most likely lost its socket. May
    // be called again.
    bool End();

   private:
    CallWatch& watch_;
    const std::shared_ptr<Watched> watched_;
  };

  // `clock` must outlive it.
  explicit CallWatch(const Clock& clock);
  // Not while there are calls.
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

 private:
  void Add(const std::shared_ptr<Watched>& watched, absl::Duration timeout);
  void Remove(Watched& watched);
  void Run();
  // Waits for a call that is over time, which is then due again a moment later:
  // a call between two waits cannot be ended. Null when there is no more to do.
  std::shared_ptr<Watched> AwaitDue();

  const Clock& clock_;

  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  ByDeadline calls_ ABSL_GUARDED_BY(mu_);
  // When the thread looks again by itself. Most calls end long before their
  // deadline, so a new one seldom has to wake it.
  absl::Duration next_look_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();

  std::thread thread_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_CALL_WATCH_H_
