// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_ROUND_H_
#define TESTS_BENCH_ROUND_H_

#include <cstdint>

#include "absl/time/time.h"
#include "tests/bench/latencies.h"

namespace rehai::bench {

// What it took to write every node of a fleet once.
struct Round {
  absl::Duration elapsed;
  Latencies writes;  // each from the GET's begin to the PUT's answer
  int64_t requests = 0;
  // Of the nodes alone, without headers and TLS.
  int64_t body_bytes_sent = 0;
  int64_t body_bytes_received = 0;
  absl::Duration own_cpu;
  absl::Duration server_cpu;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_ROUND_H_
