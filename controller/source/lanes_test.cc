// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/lanes.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

using Lane = Lanes::Lane;

constexpr absl::Duration kNow = absl::Seconds(1000);
constexpr absl::Duration kSlow = absl::Milliseconds(500);

Lanes::Options TestOptions() {
  return {.workers = 4,
          .spare_workers = 3,
          .slow_step = kSlow,
          .slow_dial = absl::Seconds(2),
          .dials_per_second = 1000};
}

HostId Host(int i) { return {absl::StrCat("hv", i)}; }

void PutMany(Lanes& lanes, Lane lane, int count) {
  for (int i = 0; i < count; ++i) lanes.Put(lane, kNow, Host(i));
}

std::vector<Lanes::Begun> BeginAll(Lanes& lanes, absl::Duration now) {
  std::vector<Lanes::Begun> all;
  while (const std::optional<Lanes::Begun> begun = lanes.Begin(now)) {
    all.push_back(*begun);
  }
  return all;
}

TEST(LanesTest, NothingBeginsBeforeItIsDue) {
  Lanes lanes(TestOptions());
  EXPECT_EQ(lanes.NextAt(kNow), absl::InfiniteDuration());
  lanes.Put(Lane::kQuick, kNow + absl::Seconds(1), Host(0));
  EXPECT_EQ(lanes.Begin(kNow), std::nullopt);
  EXPECT_EQ(lanes.NextAt(kNow), kNow + absl::Seconds(1));
  EXPECT_EQ(lanes.Begin(kNow + absl::Seconds(1))->host, Host(0));
  EXPECT_EQ(lanes.NextAt(kNow), absl::InfiniteDuration());
}

TEST(LanesTest, WhatHasBeenDueForLongestBeginsFirst) {
  Lanes lanes(TestOptions());
  lanes.Put(Lane::kQuick, kNow - absl::Seconds(1), Host(0));
  lanes.Put(Lane::kQuick, kNow - absl::Seconds(2), Host(1));
  lanes.Put(Lane::kQuick, kNow - absl::Seconds(3), Host(2));
  lanes.Remove(Lane::kQuick, kNow - absl::Seconds(3), Host(2));
  EXPECT_EQ(lanes.Begin(kNow)->host, Host(1));
  EXPECT_EQ(lanes.Begin(kNow)->host, Host(0));
  EXPECT_EQ(lanes.Begin(kNow), std::nullopt);
}

TEST(LanesTest, DialsLeaveTwoPlacesToWhatIsQuick) {
  Lanes lanes(TestOptions());
  PutMany(lanes, Lane::kDial, 10);
  EXPECT_EQ(BeginAll(lanes, kNow).size(), 2u);
  lanes.Put(Lane::kQuick, kNow, Host(11));
  EXPECT_EQ(lanes.Begin(kNow)->host, Host(11));
}

TEST(LanesTest, OneWorkerDialsToo) {
  Lanes::Options options = TestOptions();
  options.workers = 1;
  Lanes lanes(options);
  PutMany(lanes, Lane::kDial, 3);
  EXPECT_EQ(BeginAll(lanes, kNow).size(), 1u);
}

TEST(LanesTest, AnEndMakesPlace) {
  Lanes lanes(TestOptions());
  PutMany(lanes, Lane::kQuick, 5);
  const std::vector<Lanes::Begun> begun = BeginAll(lanes, kNow);
  ASSERT_EQ(begun.size(), 4u);
  lanes.End(begun[0]);
  EXPECT_TRUE(lanes.Begin(kNow).has_value());
}

TEST(LanesTest, StepsThatHangGiveTheirPlacesAwayUpToTheBound) {
  Lanes lanes(TestOptions());
  PutMany(lanes, Lane::kQuick, 20);
  std::vector<Lanes::Begun> hanging = BeginAll(lanes, kNow);
  ASSERT_EQ(hanging.size(), 4u);
  EXPECT_EQ(lanes.NextAt(kNow), kNow + kSlow) << "nobody else wakes a worker";
  EXPECT_EQ(lanes.Begin(kNow + kSlow - absl::Nanoseconds(1)), std::nullopt);

  EXPECT_EQ(lanes.Overdue(Lane::kQuick, kNow), 0);
  EXPECT_EQ(lanes.Overdue(Lane::kQuick, kNow + kSlow), 3);
  EXPECT_EQ(BeginAll(lanes, kNow + kSlow).size(), 3u);
  EXPECT_EQ(lanes.NextAt(kNow + kSlow), absl::InfiniteDuration());
  EXPECT_EQ(lanes.Begin(kNow + 10 * kSlow), std::nullopt)
      << "there are no more threads than that";

  lanes.End(hanging[0]);
  EXPECT_EQ(lanes.Begin(kNow + kSlow + absl::Nanoseconds(1))->lane,
            Lane::kQuick);
}

TEST(LanesTest, DialsThatHangDoNotTakeThePlacesOfReads) {
  const Lanes::Options options = TestOptions();
  Lanes lanes(options);
  PutMany(lanes, Lane::kDial, 30);
  int dialing = 0;
  absl::Duration later = kNow;
  for (int i = 0; i < 4; ++i) {
    dialing += static_cast<int>(BeginAll(lanes, later).size());
    later += options.slow_dial;
  }
  PutMany(lanes, Lane::kQuick, 30);
  EXPECT_EQ(BeginAll(lanes, later).size(),
            static_cast<size_t>(options.workers));
  EXPECT_EQ(lanes.threads() - dialing - options.spare_workers, 2)
      << "threads for what is quick when all else hangs";
}

TEST(LanesTest, DialsKeepToTheirRateAndReadsDoNotWaitForThem) {
  Lanes::Options options = TestOptions();
  options.workers = 100;
  options.dials_per_second = 10;
  Lanes lanes(options);
  PutMany(lanes, Lane::kDial, 90);
  EXPECT_NEAR(BeginAll(lanes, kNow).size(), 10u, 1);
  EXPECT_EQ(lanes.NextAt(kNow), kNow + absl::Milliseconds(100));
  EXPECT_EQ(BeginAll(lanes, kNow + absl::Milliseconds(200)).size(), 2u);
  PutMany(lanes, Lane::kQuick, 1);
  EXPECT_EQ(BeginAll(lanes, kNow + absl::Milliseconds(200)).size(), 1u);
}

TEST(LanesTest, TellsHowManyWaitAndForHowLong) {
  Lanes lanes(TestOptions());
  EXPECT_EQ(lanes.WaitingAt(kNow).hosts, 0);
  EXPECT_EQ(lanes.WaitingAt(kNow).oldest, absl::ZeroDuration());
  lanes.Put(Lane::kQuick, kNow - absl::Seconds(1), Host(0));
  lanes.Put(Lane::kDial, kNow - absl::Seconds(3), Host(1));
  lanes.Put(Lane::kQuick, kNow + absl::Seconds(1), Host(2));
  EXPECT_EQ(lanes.WaitingAt(kNow).hosts, 2);
  EXPECT_EQ(lanes.WaitingAt(kNow).oldest, absl::Seconds(3));
}

}  // namespace
}  // namespace rehai
