// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/simulation.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/log.h"
#include "tests/sim/setup.h"

namespace rehai::sim {
namespace {

class SimulationTest : public testing::Test {
 protected:
  SimulationTest() { log::Configure(log::Level::kError, log::Format::kText); }
};

// Else a seed that fails could not be looked into.
TEST_F(SimulationTest, ASeedMakesTheSameRunEachTime) {
  for (const uint64_t seed : {3, 8, 20}) {
    const Outcome first = Simulate(seed, /*keeps_lines=*/true);
    const Outcome again = Simulate(seed, /*keeps_lines=*/true);
    ASSERT_EQ(first.lines, again.lines);
    EXPECT_EQ(first.digest, again.digest);
  }
  EXPECT_NE(Simulate(1).digest, Simulate(2).digest);
}

// So that a mutant which needs much of something does not find a flaw of the
// judges' instead.
TEST_F(SimulationTest, KeepsEveryPromiseInEachFocus) {
  for (const Focus focus :
       {Focus::kMoves, Focus::kRaces, Focus::kRestarts, Focus::kAgents}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      const Outcome outcome = Simulate(seed, /*keeps_lines=*/false, focus);
      ASSERT_FALSE(outcome.broken.has_value())
          << "focus " << static_cast<int>(focus) << " seed " << seed
          << " breaks promise " << outcome.broken->promise << ": "
          << outcome.broken->what;
    }
  }
}

// A number of shards runs each a part of the seeds.
class SeedsTest : public SimulationTest,
                  public testing::WithParamInterface<uint64_t> {};

TEST_P(SeedsTest, KeepsEveryPromise) {
  constexpr uint64_t kSeeds = 15;
  for (uint64_t i = 0; i < kSeeds; ++i) {
    const uint64_t seed = GetParam() * kSeeds + i + 1;
    const Outcome outcome = Simulate(seed);
    ASSERT_FALSE(outcome.broken.has_value())
        << "seed " << seed << " breaks promise " << outcome.broken->promise
        << ": " << outcome.broken->what
        << "\nbazel run //tests/sim -- --seeds=1 --start=" << seed;
    // It is judged at all.
    EXPECT_GT(outcome.checks, 100) << seed;
    EXPECT_GT(outcome.puts, 0) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Some, SeedsTest, testing::Range<uint64_t>(0, 20));

}  // namespace
}  // namespace rehai::sim
