// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_OPEN_STREAMS_H_
#define CONTROLLER_API_OPEN_STREAMS_H_

#include <grpc/grpc.h>

#include <cstddef>
#include <list>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "controller/access/role.h"
#include "controller/access/roster.h"

namespace rehai {

// OpenStreams knows the streams that are under way and who has them, so that
// those can be ended whose callers may no longer have them. For its handler
// such a stream is as if its client had cancelled it.
//
// Thread-safe. Leaf lock. Outlives its streams.
class OpenStreams {
 public:
  // What decided on a stream.
  struct Admitted {
    Evidence evidence;
    std::string method;
    Role needed = Role::kNone;
  };

 private:
  struct Entry {
    grpc_call* call;
    Admitted admitted;
  };

 public:
  // A stream that is known for as long as this is there.
  class Open {
   public:
    Open(OpenStreams& streams, grpc_call* call, Admitted admitted)
        : streams_(streams), entry_(streams.Add(call, std::move(admitted))) {}
    ~Open() { streams_.Remove(entry_); }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

   private:
    OpenStreams& streams_;
    const std::list<Entry>::iterator entry_;
  };

  // Ends every stream of which `check` gives an error, with that, and returns
  // how many.
  size_t EndUnless(
      absl::FunctionRef<absl::Status(const Admitted& admitted)> check);

 private:
  std::list<Entry>::iterator Add(grpc_call* call, Admitted admitted);
  void Remove(std::list<Entry>::iterator entry);

  Mutex mu_;
  std::list<Entry> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_API_OPEN_STREAMS_H_
