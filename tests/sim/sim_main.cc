// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Runs the simulation for many seeds: sim --seeds=N --start=S. One that breaks
// a promise is run again, and told line by line.

#include <cstdint>
#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/sim/simulation.h"

namespace rehai::sim {
namespace {

int64_t FlagOr(int argc, char** argv, absl::string_view name,
               int64_t otherwise) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    int64_t value = 0;
    if (absl::ConsumePrefix(&flag, name) && absl::ConsumePrefix(&flag, "=") &&
        absl::SimpleAtoi(flag, &value)) {
      return value;
    }
  }
  return otherwise;
}

void Tell(uint64_t seed, const Outcome& outcome) {
  for (const std::string& line : outcome.lines)
    std::printf("%s\n", line.c_str());
  std::printf("seed %llu breaks promise %d at %s: %s\n",
              static_cast<unsigned long long>(seed), outcome.broken->promise,
              absl::FormatDuration(outcome.broken->at).c_str(),
              outcome.broken->what.c_str());
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  // The product's log tells nothing that the trace does not.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 2;
  log::Configure(log::Level::kError, log::Format::kText);
  const int64_t seeds = FlagOr(argc, argv, "--seeds", 1000);
  const int64_t start = FlagOr(argc, argv, "--start", 1);
  const int64_t most_broken = FlagOr(argc, argv, "--most_broken", 1);
  const absl::Duration begun = Clock::Real().Uptime();
  Outcome sum;
  int64_t broken = 0;
  for (int64_t i = 0; i < seeds; ++i) {
    const uint64_t seed = start + i;
    const Outcome outcome = Simulate(seed);
    if (outcome.broken.has_value()) {
      Tell(seed, Simulate(seed, /*keeps_lines=*/true));
      if (++broken >= most_broken) return 1;
    }
    sum.checks += outcome.checks;
    sum.puts += outcome.puts;
    sum.rolled_back += outcome.rolled_back;
    sum.crashes += outcome.crashes;
    sum.moves += outcome.moves;
    if ((i + 1) % 1000 == 0 || i + 1 == seeds) {
      std::printf(
          "%lld seeds in %s: %lld checks, %lld PUTs, %lld saves rolled back, "
          "%lld crashes, %lld moves\n",
          static_cast<long long>(i + 1),
          absl::FormatDuration(
              absl::Trunc(Clock::Real().Uptime() - begun, absl::Seconds(1)))
              .c_str(),
          static_cast<long long>(sum.checks), static_cast<long long>(sum.puts),
          static_cast<long long>(sum.rolled_back),
          static_cast<long long>(sum.crashes),
          static_cast<long long>(sum.moves));
      std::fflush(stdout);
    }
  }
  return broken == 0 ? 0 : 1;
}

}  // namespace
}  // namespace rehai::sim

int main(int argc, char** argv) { return rehai::sim::Main(argc, argv); }
