// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_SIMULATION_H_
#define TESTS_SIM_SIMULATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/setup.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// What became of one run.
struct Outcome {
  std::optional<Trace::Broken> broken;
  uint64_t digest = 0;  // of all that happened
  std::vector<std::string> lines;
  // How much of it there was.
  int hosts = 0;
  int64_t checks = 0;
  int64_t puts = 0;
  int64_t rolled_back = 0;
  int64_t crashes = 0;
  int64_t moves = 0;
  int64_t reports = 0;  // of agents, that were taken in
};

// One run: the product's own inventory, sources, syncer and operations, in the
// midst of hypervisors, a Chef server and chef-clients that are made up, in
// virtual time. Everything follows from the seed. It ends at the first promise
// that is broken, or with a quiet hour in which nothing may happen.
Outcome Simulate(uint64_t seed, bool keeps_lines = false,
                 Focus focus = Focus::kAll);

}  // namespace rehai::sim

#endif  // TESTS_SIM_SIMULATION_H_
