// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CALLS_UNDER_WAY_H_
#define CONTROLLER_API_CALLS_UNDER_WAY_H_

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai {

// CallsUnderWay counts a gRPC server's calls, so that its end need not be
// waited for by those who have none: a server that shuts down gracefully waits
// for each client to close its connection, and one that is asleep does not.
//
// Thread-safe. Outlives the server.
class CallsUnderWay {
 public:
  // What counts, for the server's builder.
  std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
  MakeCounter();

  // Waits until no call is under way, at most until the clock's Uptime() is
  // `deadline`.
  void AwaitNone(const Clock& clock, absl::Duration deadline);

 private:
  class Call;
  class Counter;

  Mutex mu_;
  CondVar ended_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_API_CALLS_UNDER_WAY_H_
