// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/brake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Hosts = std::vector<FoundHost>;

FoundHost Host(int number, const std::string& uri = "u:") {
  return {.host = {absl::StrFormat("hv%03d", number)}, .uri = uri};
}

// hv<first> to hv<last - 1>.
Hosts Range(int first, int last) {
  Hosts hosts;
  for (int i = first; i < last; ++i) hosts.push_back(Host(i));
  return hosts;
}

BrakedFleet Braked(const Hosts& fleet, const Hosts& wanted,
                   const std::vector<std::string>& held = {}) {
  return Brake({.share = 0.2, .count = 3}, fleet, wanted, held);
}

TEST(BrakeTest, WhatIsNewOrDifferentPasses) {
  Hosts wanted = Range(0, 200);
  wanted[0].uri = "u:other";
  const BrakedFleet braked = Braked(Range(0, 10), wanted);
  EXPECT_EQ(braked.fleet, wanted);
  EXPECT_THAT(braked.held, IsEmpty());
}

TEST(BrakeTest, WithNothingKnownYetNothingIsHeld) {
  EXPECT_THAT(Braked({}, {}).held, IsEmpty());
  EXPECT_EQ(Braked({}, Range(0, 3)).fleet, Range(0, 3));
}

TEST(BrakeTest, HoldsOnlyMoreThanTheCountAndMoreThanTheShare) {
  struct {
    int fleet, removed;
    bool held;
  } const cases[] = {
      {3, 3, false},     // all, but few
      {4, 4, true},      // all
      {15, 3, false},    // exactly the count
      {19, 4, true},     // more than both
      {20, 4, false},    // exactly the share
      {100, 20, false},  // exactly the share
      {100, 21, true},  {500, 500, true},
  };
  for (const auto& [fleet, removed, held] : cases) {
    const BrakedFleet braked = Braked(Range(0, fleet), Range(removed, fleet));
    EXPECT_EQ(braked.held.size(), held ? removed : 0)
        << removed << " of " << fleet;
    EXPECT_EQ(braked.fleet, held ? Range(0, fleet) : Range(removed, fleet));
  }
}

TEST(BrakeTest, HeldHostsStayAsTheyWereBesideWhatPasses) {
  Hosts wanted = {Host(4, "u:new"), Host(9)};
  const BrakedFleet braked = Braked(Range(0, 5), wanted);
  EXPECT_THAT(braked.held, ElementsAre("hv000", "hv001", "hv002", "hv003"));
  EXPECT_THAT(braked.fleet, ElementsAre(Host(0), Host(1), Host(2), Host(3),
                                        Host(4, "u:new"), Host(9)));
}

TEST(BrakeTest, WhatIsHeldStaysSoThoughOthersReturn) {
  const BrakedFleet braked =
      Braked(Range(0, 20), Range(2, 20), {"hv000", "hv001", "hv002", "hv003"});
  EXPECT_THAT(braked.held, ElementsAre("hv000", "hv001"));
  EXPECT_EQ(braked.fleet, Range(0, 20));
}

TEST(BrakeTest, AFewOthersMayGoBesideWhatIsHeld) {
  const BrakedFleet braked = Braked(Range(0, 20), Range(2, 19), {"hv000"});
  EXPECT_THAT(braked.held, ElementsAre("hv000"));
  EXPECT_EQ(braked.fleet.size(), 18u);
}

TEST(BrakeTest, WhatIsHeldCountsWithTheNext) {
  const BrakedFleet braked = Braked(Range(0, 19), Range(2, 17), {"hv000"});
  EXPECT_THAT(braked.held, ElementsAre("hv000", "hv001", "hv017", "hv018"));
}

TEST(BrakeTest, ConfirmedHostsAreGoneAndNothingIsHeld) {
  // The caller has taken the held hosts out of the fleet.
  const BrakedFleet braked = Braked(Range(4, 5), Range(4, 5));
  EXPECT_THAT(braked.held, IsEmpty());
  EXPECT_EQ(braked.fleet, Range(4, 5));
}

TEST(BrakeTest, AShareOfOneNeverHolds) {
  EXPECT_THAT(Brake({.share = 1, .count = 0}, Range(0, 50), {}, {}).held,
              IsEmpty());
}

}  // namespace
}  // namespace rehai
