// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CALL_DEADLINES_H_
#define CONTROLLER_API_CALL_DEADLINES_H_

#include <grpc/grpc.h>

#include <list>
#include <thread>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai {

// CallDeadlines ends calls that have been under way for longer than any may,
// whatever deadline their clients have set or not set: with DEADLINE_EXCEEDED,
// and for their handlers as if the client had cancelled them.
//
// All calls may take equally long, so they become due in the order in which
// they came, and nobody needs to be woken by a new one.
//
// Thread-safe. Leaf lock. Outlives what it watches.
class CallDeadlines {
 public:
  CallDeadlines(absl::Duration most, const Clock& clock)
      : most_(most), clock_(clock) {}
  ~CallDeadlines() { Stop(); }

  // Its thread; without it no call is ended.
  void Start();
  // Once or more.
  void Stop();

 private:
  struct Entry {
    grpc_call* call;
    absl::Duration due;  // Uptime()
    bool overdue = false;
  };

 public:
  // A call that is watched for as long as this is there.
  class Watched {
   public:
    Watched(CallDeadlines& deadlines, grpc_call* call)
        : deadlines_(deadlines), entry_(deadlines.Add(call)) {}
    ~Watched() { deadlines_.Remove(entry_); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    // True once the call has been ended.
    bool overdue() const;

   private:
    CallDeadlines& deadlines_;
    const std::list<Entry>::iterator entry_;
  };

 private:
  std::list<Entry>::iterator Add(grpc_call* call);
  void Remove(std::list<Entry>::iterator entry);
  void Run();
  // With a reference for the caller; null: none is due.
  grpc_call* TakeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::Duration most_;
  const Clock& clock_;

  mutable Mutex mu_;
  CondVar stopped_;
  std::list<Entry> waiting_ ABSL_GUARDED_BY(mu_);  // the first is due first
  std::list<Entry> overdue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_CALL_DEADLINES_H_
