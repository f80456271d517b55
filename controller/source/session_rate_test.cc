// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/session_rate.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

namespace rehai {
namespace {

constexpr absl::Duration kNow = absl::Seconds(1000);

class SessionRateTest : public testing::Test {
 protected:
  std::optional<absl::Duration> Begin(SessionRate& rate, absl::Duration now) {
    return rate.Begin(now, random_);
  }

  std::mt19937_64 random_{7};
};

TEST_F(SessionRateTest, AFewBeginAtOnce) {
  SessionRate rate(/*per_second=*/10, absl::Minutes(1));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Begin(rate, kNow), std::nullopt) << i;
  }
}

TEST_F(SessionRateTest, OthersAreSpreadInTheOrderOfTheirArrival) {
  SessionRate rate(/*per_second=*/10, absl::Minutes(10));
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 500; ++i) {
    const auto wait = Begin(rate, kNow);
    if (wait.has_value()) waits.push_back(*wait);
  }
  ASSERT_GE(waits.size(), 485u);
  for (size_t i = 0; i < waits.size(); ++i) {
    const absl::Duration slot = absl::Seconds(1) + absl::Seconds(0.1) * (i + 1);
    EXPECT_GE(waits[i], slot - absl::Microseconds(1)) << i;
    EXPECT_LT(waits[i], slot + absl::Seconds(1)) << i;
  }
}

// The point of it: who comes back when told is let in.
TEST_F(SessionRateTest, AFleetThatComesAtOnceIsInAfterTheTimeThatItTakes) {
  SessionRate rate(/*per_second=*/200, absl::Minutes(2));
  constexpr int kAgents = 5000;
  std::multimap<absl::Duration, int> comings;  // with the tries so far
  for (int i = 0; i < kAgents; ++i) comings.emplace(kNow, 1);
  absl::Duration last;
  int tries = 0;
  std::map<absl::Duration, int> begun_in_second;
  while (!comings.empty()) {
    const auto [now, tried] = *comings.begin();
    comings.erase(comings.begin());
    if (const auto wait = Begin(rate, now); wait.has_value()) {
      comings.emplace(now + *wait, tried + 1);
    } else {
      tries += tried;
      last = now;
      ++begun_in_second[absl::Floor(now, absl::Seconds(1))];
    }
  }
  EXPECT_LT(last - kNow, absl::Seconds(35));  // 25 s at best
  EXPECT_LT(tries, 5 * kAgents / 2);
  for (const auto& [second, begun] : begun_in_second) EXPECT_LE(begun, 402);
}

TEST_F(SessionRateTest, WhoKeepsComingDoesNotMakeOthersWaitForEver) {
  SessionRate rate(/*per_second=*/10, absl::Seconds(20));
  for (int i = 0; i < 100'000; ++i) {
    const auto wait = Begin(rate, kNow);
    if (!wait.has_value()) continue;
    ASSERT_GE(*wait, absl::Seconds(1));
    ASSERT_LE(*wait, absl::Seconds(21));
  }
  EXPECT_EQ(Begin(rate, kNow + absl::Seconds(21)), std::nullopt);
}

}  // namespace
}  // namespace rehai
