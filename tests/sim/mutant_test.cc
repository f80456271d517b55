// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A product with a broken line is noticed: some seed breaks one of the promises
// that the line keeps. Flags: --seeds=N --promises=3,4 --focus=moves.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "tests/sim/setup.h"
#include "tests/sim/simulation.h"

int main(int argc, char** argv) {
  int64_t seeds = 0;
  std::set<int> promises;
  std::optional<rehai::sim::Focus> focus = rehai::sim::Focus::kAll;
  for (int i = 1; i < argc; ++i) {
    absl::string_view flag = argv[i];
    if (absl::ConsumePrefix(&flag, "--seeds=")) {
      if (!absl::SimpleAtoi(flag, &seeds)) return 2;
    } else if (absl::ConsumePrefix(&flag, "--promises=")) {
      for (const absl::string_view text : absl::StrSplit(flag, ',')) {
        int promise = 0;
        if (!absl::SimpleAtoi(text, &promise)) return 2;
        promises.insert(promise);
      }
    } else if (absl::ConsumePrefix(&flag, "--focus=")) {
      focus = rehai::sim::FocusNamed(flag);
    }
  }
  if (!focus.has_value()) return 2;
  // The product's log tells nothing that the trace does not.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) return 2;
  rehai::log::Configure(rehai::log::Level::kError, rehai::log::Format::kText);
  for (int64_t seed = 1; seed <= seeds; ++seed) {
    const rehai::sim::Outcome outcome =
        rehai::sim::Simulate(static_cast<uint64_t>(seed), false, *focus);
    if (!outcome.broken.has_value()) continue;
    std::printf("seed %lld breaks promise %d: %s\n",
                static_cast<long long>(seed), outcome.broken->promise,
                outcome.broken->what.c_str());
    return promises.count(outcome.broken->promise) > 0 ? 0 : 1;
  }
  std::printf("not noticed in %lld seeds\n", static_cast<long long>(seeds));
  return 1;
}
