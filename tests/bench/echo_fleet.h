// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_ECHO_FLEET_H_
#define TESTS_BENCH_ECHO_FLEET_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>

#include "rehai/v1/fleet.grpc.pb.h"

namespace rehai::bench {

// EchoFleet is the Fleet service with nothing behind it: a bare gRPC server
// with the callback API that answers with what it was told before, for
// comparison. Thread-safe.
class EchoFleet {
 public:
  EchoFleet();
  ~EchoFleet();

  // "127.0.0.1:PORT"
  const std::string& address() const { return address_; }

  // What GetGuest answers, and ListGuests to each page token.
  void SetGuest(v1::GetGuestResponse response);
  void SetPages(std::map<std::string, v1::ListGuestsResponse> pages);

  // Sends the step to each watch whose filter is `filter`; a watch that is
  // still being sent another one gets it after that, and only the newest.
  void Send(const std::string& filter, const v1::FleetWatchResponse& step);

 private:
  class Service;

  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_ECHO_FLEET_H_
