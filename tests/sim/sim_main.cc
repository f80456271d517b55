// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Runs the simulation for many seeds: sim --seeds=N --start=S --jobs=J, and
// --focus=moves and the like for much of one thing. A seed that breaks a
// promise is run again, and told line by line.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/sim/many_runs.h"
#include "tests/sim/setup.h"
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

std::optional<Focus> FocusOf(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (absl::ConsumePrefix(&flag, "--focus=")) return FocusNamed(flag);
  }
  return Focus::kAll;
}

void Tell(uint64_t seed, const Outcome& outcome) {
  for (const std::string& line : outcome.lines)
    std::printf("%s\n", line.c_str());
  if (outcome.broken.has_value()) {
    std::printf("seed %llu breaks promise %d at %s: %s\n",
                static_cast<unsigned long long>(seed), outcome.broken->promise,
                absl::FormatDuration(outcome.broken->at).c_str(),
                outcome.broken->what.c_str());
  } else {
    std::printf("seed %llu broke a promise, and keeps them now\n",
                static_cast<unsigned long long>(seed));
  }
  std::fflush(stdout);
}

void TellProgress(const Tally& tally, absl::Duration took) {
  std::printf(
      "%lld seeds in %s: %lld checks, %lld PUTs, %lld saves rolled back, "
      "%lld crashes, %lld moves, %lld agents' reports\n",
      static_cast<long long>(tally.seeds),
      absl::FormatDuration(absl::Trunc(took, absl::Seconds(1))).c_str(),
      static_cast<long long>(tally.checks), static_cast<long long>(tally.puts),
      static_cast<long long>(tally.rolled_back),
      static_cast<long long>(tally.crashes),
      static_cast<long long>(tally.moves),
      static_cast<long long>(tally.reports));
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  // The product's log tells nothing that the trace does not.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 2;
  log::Configure(log::Level::kError, log::Format::kText);
  const int64_t seeds = FlagOr(argc, argv, "--seeds", 1000);
  const uint64_t start = FlagOr(argc, argv, "--start", 1);
  const int64_t most_broken = FlagOr(argc, argv, "--most_broken", 1);
  const int64_t jobs =
      FlagOr(argc, argv, "--jobs", std::thread::hardware_concurrency());
  const std::optional<Focus> focus = FocusOf(argc, argv);
  if (!focus.has_value()) return 2;
  const absl::Duration begun = Clock::Real().Uptime();
  const Tally tally =
      RunSeeds(start, seeds, *focus,
               static_cast<int>(std::clamp<int64_t>(jobs, 1, seeds)),
               most_broken, [begun](const Tally& so_far) {
                 TellProgress(so_far, Clock::Real().Uptime() - begun);
               });
  TellProgress(tally, Clock::Real().Uptime() - begun);
  for (const uint64_t seed : tally.broken) {
    Tell(seed, Simulate(seed, /*keeps_lines=*/true, *focus));
  }
  for (const uint64_t seed : tally.died) {
    std::printf("seed %llu ends its process\n",
                static_cast<unsigned long long>(seed));
  }
  return tally.seeds == seeds && tally.broken.empty() ? 0 : 1;
}

}  // namespace
}  // namespace rehai::sim

int main(int argc, char** argv) { return rehai::sim::Main(argc, argv); }
