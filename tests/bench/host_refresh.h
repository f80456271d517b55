// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_HOST_REFRESH_H_
#define TESTS_BENCH_HOST_REFRESH_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/lab/knife.h"

namespace rehai::bench {

struct RefreshCost {
  int requests = 0;
  int64_t bytes_sent = 0;      // bodies
  int64_t bytes_received = 0;  // bodies
  // From the node's GET to its PUT's answer.
  absl::Duration window = absl::ZeroDuration();
};

// Rehai's way from one hypervisor to its node and nothing else: its libvirt
// connection, its rendering, its writer, put together as the controller does
// it. Not thread-safe.
class HostRefresh {
 public:
  // Dials the hypervisor.
  static absl::StatusOr<std::unique_ptr<HostRefresh>> Create(
      const std::string& libvirt_uri, const lab::Knife::Options& account,
      const std::string& node);
  virtual ~HostRefresh() = default;

  // Reads everything anew and brings the node up to date. Fails if the server
  // did not confirm it, or there was nothing to write.
  virtual absl::StatusOr<RefreshCost> Run() = 0;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_HOST_REFRESH_H_
