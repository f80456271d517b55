// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_ENDING_H_
#define TESTS_SIM_ENDING_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace rehai::sim {

// How a run ends, once nothing is done any more: people settle what is theirs
// to settle, then Chef has to hold what the hypervisors have (promise 3), and
// nothing may happen while nothing changes, nor when the controller begins
// again (promise 5). Not thread-safe.
class Ending {
 public:
  // Outlived by the world.
  explicit Ending(World& world);

  // About an hour of virtual time.
  void Run();

 private:
  void SettleByHand();
  void JudgeSame();
  void JudgeQuiet();
  void JudgeRestart();
  void JudgeOverwrittenMeanwhile();
  void StopController();  // in one way or the other
  // For so long, nothing is written or read, and only that much looked at.
  void ExpectIdle(const std::string& when, absl::Duration time,
                  int64_t most_searches);
  static int64_t MostSweeps(absl::Duration time);

  World& world_;
  Trace& trace_;
  Hypervisors& fleet_;
  ChefServer& chef_;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_ENDING_H_
