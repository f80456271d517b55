// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/simulation.h"

#include <string>

#include "absl/time/time.h"
#include "controller/inventory/inventory.h"
#include "tests/sim/beliefs.h"
#include "tests/sim/ending.h"
#include "tests/sim/life.h"
#include "tests/sim/world.h"
#include "tests/sim/writes.h"

namespace rehai::sim {

Outcome Simulate(uint64_t seed, bool keeps_lines, Focus focus) {
  World world(seed, focus, keeps_lines);
  world.trace().Add(world.setup().hosts, " hosts");
  Beliefs beliefs(world);
  const Writes writes(world, beliefs);
  Life life(world, beliefs);
  world.SetOnChange(
      [&beliefs](const Change& change) { beliefs.OnChange(change); });
  world.SetOnAnew([&beliefs] { beliefs.ForgetRevisions(); });
  world.SetOnEnd([&beliefs] { beliefs.Forget(); });
  world.chef().SetOnGet(
      [&world](const std::string& node) { world.clients().Tempt(node); });

  life.Prepare();
  world.Boot();
  world.RunFor(absl::Seconds(10));
  life.Begin();
  world.RunFor(world.setup().lasts);
  life.Rest();
  world.RunFor(absl::Seconds(5));
  if (!world.IsOver()) {
    life.Heal();
    Ending(world).Run();
  }

  Outcome outcome;
  outcome.broken = world.trace().broken();
  outcome.digest = world.trace().digest();
  outcome.lines = world.trace().lines();
  outcome.hosts = world.setup().hosts;
  outcome.checks = world.trace().checks();
  outcome.puts = world.chef().counts().puts;
  outcome.rolled_back = world.chef().counts().rolled_back;
  outcome.crashes = world.crashes();
  outcome.moves = life.moves();
  outcome.reports = world.agents().reports();
  return outcome;
}

}  // namespace rehai::sim
