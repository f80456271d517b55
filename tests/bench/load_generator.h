// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_LOAD_GENERATOR_H_
#define TESTS_BENCH_LOAD_GENERATOR_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tests/bench/round.h"
#include "tests/lab/knife.h"

namespace rehai::bench {

// The raw limit: signed GETs and PUTs as fast as a number of connections carry
// them, each by a thread of its own that waits for its answers. Looks at no
// node and decides nothing. Not thread-safe.
class LoadGenerator {
 public:
  struct NodeBody {
    std::string node;
    std::string body;
  };

  static absl::StatusOr<std::unique_ptr<LoadGenerator>> Create(
      const lab::Knife::Options& account, int connections);

  // Reads and then replaces each node. Fails if the server does not answer 200
  // to everything. Does not measure CPU time.
  absl::StatusOr<Round> Run(absl::Span<const NodeBody> nodes);

 private:
  explicit LoadGenerator(std::vector<std::unique_ptr<lab::Knife>> connections)
      : connections_(std::move(connections)) {}

  // Kept alive from round to round.
  const std::vector<std::unique_ptr<lab::Knife>> connections_;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_LOAD_GENERATOR_H_
