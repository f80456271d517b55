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

// The first of `count` neighbouring free ports, outside the range from which
// the kernel serves those who ask for any. For a server that takes a range;
// another may still take one of them first.
absl::StatusOr<int> FreePortRange(int count);

// OK if somebody accepts connections there; kUnavailable if not.
absl::Status CanConnect(int port);
absl::Status CanConnect(const std::string& unix_socket);

}  // namespace rehai::lab

#endif  // TESTS_LAB_LOOPBACK_H_
