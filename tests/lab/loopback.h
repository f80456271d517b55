// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_LOOPBACK_H_
#define TESTS_LAB_LOOPBACK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rehai::lab {

// A TCP port of 127.0.0.1 that is free now and that the kernel will not give
// to anyone else who asks for any free port during the next minute. A server
// that sets SO_REUSEADDR, as all do, can bind it.
absl::StatusOr<int> FreePort();

// A TCP port of 127.0.0.1 that is ours as long as this lives, whether a server
// listens there or not: the kernel gives it to nobody who asks for any port. A
// server that sets SO_REUSEADDR, as all do, can bind it, end, and bind it
// again; meanwhile connections are refused. Costs a file descriptor.
class ReservedPort {
 public:
  static absl::StatusOr<ReservedPort> Take();
  ~ReservedPort();

  ReservedPort(ReservedPort&& other);
  ReservedPort& operator=(ReservedPort&&) = delete;

  int number() const { return number_; }

 private:
  ReservedPort(int fd, int number) : fd_(fd), number_(number) {}

  int fd_;  // bound, and never listening; -1 once moved from
  const int number_;
};

// The first of `count` neighbouring free ports, outside the range from which
// the kernel serves those who ask for any. For a server that takes a range;
// another may still take one of them first.
absl::StatusOr<int> FreePortRange(int count);

// OK if somebody accepts connections there; kUnavailable if not.
absl::Status CanConnect(int port);
absl::Status CanConnect(const std::string& unix_socket);

}  // namespace rehai::lab

#endif  // TESTS_LAB_LOOPBACK_H_
