// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_ENDING_H_
#define TESTS_SIM_ENDING_H_

#include "tests/sim/chef_world.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace rehai::sim {

// How a run ends, once nothing is done any more: people settle what is theirs
// to settle, then Chef has to hold what the hypervisors have (promise 3), and
// nothing may happen while nothing changes (promise 5). Not thread-safe.
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

  World& world_;
  Trace& trace_;
  Hypervisors& fleet_;
  ChefServer& chef_;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_ENDING_H_
