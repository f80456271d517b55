// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/guest_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const HostId kA{"a"};
const HostId kB{"b"};
const GuestId kWeb{"uuid-web"};
const GuestId kDb{"uuid-db"};

TEST(GuestIndexTest, AGuestOnTwoHostsIsOneGuest) {
  GuestIndex index;
  index.Add(kA, kWeb, "web");
  index.Add(kB, kWeb, "web");
  EXPECT_THAT(index.HostsOf(kWeb), UnorderedElementsAre(kA, kB));
  EXPECT_THAT(index.Named("web"), ElementsAre(kWeb));
}

TEST(GuestIndexTest, RemovalOnOneHostLeavesTheOther) {
  GuestIndex index;
  index.Add(kA, kWeb, "web");
  index.Add(kB, kWeb, "web");
  index.Remove(kA, kWeb, "web");
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kB));
  EXPECT_THAT(index.Named("web"), ElementsAre(kWeb));
  index.Remove(kB, kWeb, "web");
  EXPECT_THAT(index.HostsOf(kWeb), IsEmpty());
  EXPECT_THAT(index.Named("web"), IsEmpty());
}

TEST(GuestIndexTest, HostsAreInTheOrderInWhichTheyWereAdded) {
  GuestIndex index;
  const HostId c{"c"};
  index.Add(c, kWeb, "web");
  index.Add(kA, kWeb, "web");
  index.Add(kB, kWeb, "web");
  index.Remove(c, kWeb, "web");
  index.Add(c, kWeb, "web");
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kA, kB, c));
}

TEST(GuestIndexTest, ANameMayBelongToSeveralGuests) {
  GuestIndex index;
  index.Add(kA, kWeb, "same");
  index.Add(kB, kDb, "same");
  EXPECT_THAT(index.Named("same"), ElementsAre(kDb, kWeb));
  EXPECT_THAT(index.HostsOf(kDb), ElementsAre(kB));
}

TEST(GuestIndexTest, RemovingWhatIsNotThereChangesNothing) {
  GuestIndex index;
  index.Add(kA, kWeb, "web");
  index.Remove(kB, kDb, "db");
  index.Remove(kB, kWeb, "other");
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kA));
  EXPECT_THAT(index.Named("web"), ElementsAre(kWeb));
}

}  // namespace
}  // namespace rehai
