// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/backoff.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/random/random.h"

namespace rehai {
namespace {

TEST(BackoffTest, GrowsFromMinToMaxAndNeverBeyond) {
  const BackoffOptions options{.min = absl::Seconds(1),
                               .max = absl::Seconds(8)};
  absl::BitGen random;
  const int whole_seconds[] = {1, 2, 4, 8, 8, 8};
  for (int round = 0; round < 100; ++round) {
    for (int failures = 1; failures <= 6; ++failures) {
      const absl::Duration delay = BackoffDelay(options, failures, random);
      const absl::Duration whole = absl::Seconds(whole_seconds[failures - 1]);
      EXPECT_GE(delay, whole / 2);
      EXPECT_LE(delay, whole);
    }
  }
}

TEST(BackoffTest, ThoseWhoFailTogetherComeBackApart) {
  absl::BitGen random;
  std::set<absl::Duration> delays;
  for (int i = 0; i < 100; ++i) delays.insert(BackoffDelay({}, 3, random));
  EXPECT_GT(delays.size(), 90u);
}

TEST(BackoffTest, ManyFailuresDoNotOverflow) {
  absl::BitGen random;
  EXPECT_LE(BackoffDelay({}, 1'000'000, random), absl::Minutes(5));
  EXPECT_GE(BackoffDelay({}, 1'000'000, random), absl::Minutes(2));
}

}  // namespace
}  // namespace rehai
