// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_MANY_RUNS_H_
#define TESTS_SIM_MANY_RUNS_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "tests/sim/setup.h"

namespace rehai::sim {

// What came of many seeds.
struct Tally {
  int64_t seeds = 0;
  int64_t checks = 0;
  int64_t puts = 0;
  int64_t rolled_back = 0;
  int64_t crashes = 0;
  int64_t moves = 0;
  int64_t reports = 0;
  // Seeds that broke a promise, and those in whose run the process died.
  std::vector<uint64_t> broken = {};
  std::vector<uint64_t> died = {};
};

// Runs the seeds from `start` on in so many processes, each every so many-th,
// as one run of the simulation has one thread and shares nothing with another.
// Ends early when `most_broken` have broken a promise. `progress` is called
// after every thousand. Not where there are other threads.
Tally RunSeeds(uint64_t start, int64_t seeds, Focus focus, int processes,
               int64_t most_broken,
               absl::FunctionRef<void(const Tally&)> progress);

}  // namespace rehai::sim

#endif  // TESTS_SIM_MANY_RUNS_H_
