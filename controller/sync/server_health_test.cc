// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/server_health.h"

#include <gtest/gtest.h>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {
namespace {

using Turn = ServerHealth::Turn;

constexpr BackoffOptions kProbes = {
    .min = absl::Seconds(1), .max = absl::Seconds(8), .factor = 2};

constexpr size_t kFleet = 300;

class ServerHealthTest : public testing::Test {
 protected:
  Turn Trouble(int host, absl::Duration now, size_t fleet = kFleet) {
    return health_.OnTrouble(HostId{absl::StrCat("hv", host)},
                             {.error = "no answer"}, fleet, now, random_);
  }

  Turn Refused(int host, absl::Duration now) {
    return health_.OnTrouble(HostId{absl::StrCat("hv", host)},
                             {.refused = true, .error = "wrong clock"}, kFleet,
                             now, random_);
  }

  absl::BitGen random_;
  ServerHealth health_{kProbes, absl::ZeroDuration()};
};

TEST_F(ServerHealthTest, OneHostInTroubleIsNotTheServer) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Trouble(1, absl::Seconds(i)), Turn::kNone);
  }
  EXPECT_TRUE(health_.is_up());
  EXPECT_EQ(health_.NextWrite(/*in_flight=*/5), absl::ZeroDuration());
}

TEST_F(ServerHealthTest, SeveralHostsInTroubleAreTheServer) {
  EXPECT_EQ(Trouble(1, absl::Seconds(1)), Turn::kNone);
  EXPECT_EQ(Trouble(2, absl::Seconds(1)), Turn::kNone);
  EXPECT_EQ(Trouble(3, absl::Seconds(1)), Turn::kDown);
  EXPECT_FALSE(health_.is_up());
}

TEST_F(ServerHealthTest, AGoodAnswerBetweenSaysItIsTheHosts) {
  Trouble(1, absl::Seconds(1));
  Trouble(2, absl::Seconds(1));
  EXPECT_EQ(health_.OnGoodAnswer(absl::Seconds(100)), Turn::kNone);
  EXPECT_EQ(Trouble(3, absl::Seconds(1)), Turn::kNone);
  EXPECT_TRUE(health_.is_up());
}

TEST_F(ServerHealthTest, OneProbeAtATimeAfterWaitsThatGrow) {
  for (int host = 1; host <= 3; ++host) Trouble(host, absl::Seconds(100));
  absl::Duration now = absl::Seconds(100);
  for (const int whole : {1, 2, 4, 8, 8, 8}) {
    SCOPED_TRACE(whole);
    const absl::Duration next = health_.NextWrite(/*in_flight=*/0);
    EXPECT_GE(next, now + absl::Seconds(whole) / 2);
    EXPECT_LE(next, now + absl::Seconds(whole));
    EXPECT_EQ(health_.NextWrite(/*in_flight=*/1), absl::InfiniteDuration());
    now = next;
    EXPECT_EQ(Trouble(4, now), Turn::kNone);
  }
}

TEST_F(ServerHealthTest, ResultsOfWritesFromBeforeAreNoProbes) {
  for (int host = 1; host <= 3; ++host) Trouble(host, absl::Seconds(100));
  const absl::Duration next = health_.NextWrite(0);
  for (int host = 4; host <= 11; ++host) Trouble(host, absl::Seconds(100));
  EXPECT_EQ(health_.NextWrite(0), next);
}

TEST_F(ServerHealthTest, AGoodAnswerEndsItAndItStartsAfresh) {
  for (int host = 1; host <= 3; ++host) Trouble(host, absl::Seconds(100));
  EXPECT_EQ(health_.OnGoodAnswer(absl::Seconds(100)), Turn::kBack);
  EXPECT_EQ(health_.NextWrite(0), absl::ZeroDuration());
  EXPECT_EQ(Trouble(4, absl::Seconds(101)), Turn::kNone);
  EXPECT_TRUE(health_.is_up());
}

TEST_F(ServerHealthTest, ASmallFleetIsTheServerWhenAllOfItIsInTrouble) {
  for (const size_t fleet : {1, 2}) {
    SCOPED_TRACE(fleet);
    health_.OnGoodAnswer(absl::Seconds(1));
    // One failure may be chance.
    EXPECT_EQ(Trouble(1, absl::Seconds(1), fleet), Turn::kNone);
    EXPECT_EQ(Trouble(1, absl::Seconds(2), fleet), Turn::kNone);
    EXPECT_EQ(Trouble(static_cast<int>(fleet), absl::Seconds(3), fleet),
              Turn::kDown);
  }
}

TEST_F(ServerHealthTest, OneOfTwoHostsInTroubleIsNotTheServer) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Trouble(1, absl::Seconds(i), /*fleet=*/2), Turn::kNone);
  }
}

TEST_F(ServerHealthTest, OneRefusalIsEnoughAndIsProbedLikewise) {
  EXPECT_EQ(Refused(1, absl::Seconds(100)), Turn::kRefusing);
  EXPECT_FALSE(health_.is_up());
  const absl::Duration next = health_.NextWrite(0);
  EXPECT_GE(next, absl::Seconds(100) + kProbes.min / 2);
  EXPECT_EQ(Refused(2, next), Turn::kNone);
  EXPECT_GT(health_.NextWrite(0), next);
  EXPECT_EQ(health_.OnGoodAnswer(next), Turn::kBack);
}

TEST_F(ServerHealthTest, WhatItIsFollowsTheProbes) {
  Refused(1, absl::Seconds(100));
  EXPECT_EQ(Trouble(1, absl::Seconds(200)), Turn::kDown);
  EXPECT_EQ(Refused(1, absl::Seconds(300)), Turn::kRefusing);
}

TEST_F(ServerHealthTest, ShowsItsStateSinceWhenAndWhy) {
  const absl::Time wall = absl::FromUnixSeconds(1'000'000);
  v1::ChefStatus status;
  health_.FillStatus(absl::Seconds(50), wall, status);
  EXPECT_EQ(status.state(), v1::SERVER_STATE_UP);
  EXPECT_EQ(status.state_since().seconds(), 1'000'000 - 50);
  EXPECT_EQ(status.error(), "");

  Refused(1, absl::Seconds(100));
  Refused(1, absl::Seconds(200));
  health_.FillStatus(absl::Seconds(300), wall, status);
  EXPECT_EQ(status.state(), v1::SERVER_STATE_REFUSING);
  EXPECT_EQ(status.state_since().seconds(), 1'000'000 - 200);
  EXPECT_EQ(status.error(), "wrong clock");

  health_.OnGoodAnswer(absl::Seconds(310));
  health_.FillStatus(absl::Seconds(310), wall, status);
  EXPECT_EQ(status.state(), v1::SERVER_STATE_UP);
  EXPECT_EQ(status.state_since().seconds(), 1'000'000);
  EXPECT_EQ(status.error(), "");
}

}  // namespace
}  // namespace rehai
