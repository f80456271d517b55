// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(FleetSourceTest, HangingHostsLeaveWorkersToThoseThatAnswer) {
  options_.workers = 4;
  constexpr int kHosts = 9;
  for (int i = 1; i < kHosts; ++i) {
    i % 2 == 0 ? Host(i).HoldDials() : Host(i).HoldReads();
  }
  Start(1);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 0));
  created_ = kHosts;
  std::vector<FoundHost> hosts;
  for (int i = 0; i < kHosts; ++i) hosts.push_back(FoundAs(i));
  source_->SetHosts(hosts);
  const auto hanging = [this] {
    int count = 0;
    for (int i = 1; i < kHosts; ++i) {
      count += i % 2 == 0 ? Host(i).dials() : Host(i).reads();
    }
    return count;
  };
  const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
  while (hanging() < options_.workers - 2) {
    ASSERT_LT(Clock::Real().Uptime(), deadline);
  }
  for (int round = 1; round <= 10; ++round) {
    Host(0).SetGuest(Guest(absl::StrCat(round), "web"));
    Host(0).EmitGuestEvent(GuestId{absl::StrCat(round)});
    clock_.Advance(options_.event_window);
    ASSERT_TRUE(AwaitGuests(round, 0));
  }
  EXPECT_EQ(hanging(), options_.workers - 2);

  for (int i = 1; i < kHosts; ++i) {
    Host(i).ReleaseDials();
    Host(i).ReleaseReads();
  }
  for (int i = 1; i < kHosts; ++i) {
    EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
}

TEST_F(FleetSourceTest, OneWorkerServesManyHosts) {
  options_.workers = 1;
  Start(20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
}

TEST_F(FleetSourceTest, TwentyOfAHundredHungHostsDoNotHoldTheWorkers) {
  constexpr int kHosts = 100;
  constexpr int kHung = 20;
  options_.workers = 8;
  options_.spare_workers = 24;
  options_.dials_per_second = 10'000;
  Start(kHosts);
  for (int i = 0; i < kHosts; ++i) {
    ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
  // Hung hosts all over the fleet, and everything is asked for at once.
  for (int i = 0; i < kHung; ++i) Host(i * 5).HoldReads();
  Answers healthy;
  Answers hung;
  for (int i = 0; i < kHosts; ++i) {
    source_->Reread(HostId{NodeOf(i)},
                    (i % 5 == 0 ? hung : healthy).Callback());
  }
  // Whenever hung hosts have all places of the lane, they lose them.
  const auto hanging = [this] {
    int begun = 0;
    for (int i = 0; i < kHung; ++i) begun += Host(i * 5).reads() - 1;
    return begun;
  };
  int delays = 0;
  const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
  while (healthy.Await(0).size() < kHosts - kHung || hanging() < kHung) {
    ASSERT_LT(Clock::Real().Uptime(), deadline);
    if (hanging() - source_->Status().overdue_reads() < options_.workers) {
      continue;
    }
    clock_.Advance(options_.slow_read);
    ++delays;
  }
  EXPECT_LE(delays, kHung / options_.workers);
  EXPECT_THAT(hung.Await(0), IsEmpty());
  clock_.Advance(options_.slow_read);
  // A worker may be about to let go of a host that has answered.
  while (source_->Status().overdue_reads() != kHung) {
    ASSERT_LT(Clock::Real().Uptime(), deadline);
  }

  // From now on an answer takes no time, on the fake clock, at all.
  for (int round = 1; round <= 5; ++round) {
    Answers again;
    for (int i = 1; i < kHosts; i += 5) {
      source_->Reread(HostId{NodeOf(i)}, again.Callback());
    }
    ASSERT_THAT(again.Await(kHung), SizeIs(kHung)) << "round " << round;
  }
  for (int i = 0; i < kHung; ++i) Host(i * 5).ReleaseReads();
  EXPECT_THAT(hung.Await(kHung), SizeIs(kHung));
}

TEST_F(FleetSourceTest, AFleetThatComesBackAtOnceIsDialedAtTheRate) {
  constexpr int kHosts = 60;
  options_.workers = 8;
  options_.dials_per_second = 10;
  Start(kHosts);
  const auto dials = [this] {
    int sum = 0;
    for (int i = 0; i < kHosts; ++i) sum += Host(i).dials();
    return sum;
  };
  for (int second = 1; second <= 5; ++second) {
    const int allowed = 1 + second * 10;  // the burst is a second's worth
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    while (dials() < allowed) ASSERT_LT(Clock::Real().Uptime(), deadline);
    ASSERT_EQ(dials(), allowed);
    clock_.Advance(absl::Seconds(1));
  }
}

}  // namespace
}  // namespace rehai
