// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FLEET_FOOTPRINT_H_
#define TESTS_FLEET_FOOTPRINT_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace rehai::fleet {

// What a process takes up, as /proc tells it.
struct Footprint {
  int threads = 0;
  int descriptors = 0;
  // Of these, TCP connections and listeners: what it serves and whom it asks,
  // which come and go by rules of their own.
  int tcp_descriptors = 0;
  // Processes that it has started and that are there, zombies too.
  std::vector<pid_t> children;
  int64_t resident_kib = 0;
  // Memory that is its own, and its children's.
  int64_t private_kib = 0;
  int64_t children_private_kib = 0;
};

// kNotFound: there is no such process.
absl::StatusOr<Footprint> FootprintOf(pid_t pid);

}  // namespace rehai::fleet

#endif  // TESTS_FLEET_FOOTPRINT_H_
