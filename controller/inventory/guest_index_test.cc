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

v1::Guest Listed(const GuestId& id, const std::string& name,
                 const std::string& mac = "", const std::string& address = "") {
  v1::Guest guest;
  guest.set_uuid(id.uuid);
  guest.set_name(name);
  v1::Interface& interface = *guest.add_interfaces();
  interface.set_mac(mac);
  if (!address.empty()) interface.add_addresses(address);
  return guest;
}

TEST(GuestIndexTest, AGuestOnTwoHostsIsOneGuest) {
  GuestIndex index;
  index.Add(kA, Listed(kWeb, "web"));
  index.Add(kB, Listed(kWeb, "web"));
  EXPECT_THAT(index.HostsOf(kWeb), UnorderedElementsAre(kA, kB));
  EXPECT_THAT(index.Named("web"), ElementsAre(kWeb));
}

TEST(GuestIndexTest, RemovalOnOneHostLeavesTheOther) {
  GuestIndex index;
  index.Add(kA, Listed(kWeb, "web"));
  index.Add(kB, Listed(kWeb, "web"));
  index.Remove(kA, Listed(kWeb, "web"));
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kB));
  EXPECT_THAT(index.Named("web"), ElementsAre(kWeb));
  index.Remove(kB, Listed(kWeb, "web"));
  EXPECT_THAT(index.HostsOf(kWeb), IsEmpty());
  EXPECT_THAT(index.Named("web"), IsEmpty());
}

TEST(GuestIndexTest, HostsAreInTheOrderInWhichTheyWereAdded) {
  GuestIndex index;
  const HostId c{"c"};
  index.Add(c, Listed(kWeb, "web"));
  index.Add(kA, Listed(kWeb, "web"));
  index.Add(kB, Listed(kWeb, "web"));
  index.Remove(c, Listed(kWeb, "web"));
  index.Add(c, Listed(kWeb, "web"));
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kA, kB, c));
}

TEST(GuestIndexTest, ANameMayBelongToSeveralGuests) {
  GuestIndex index;
  index.Add(kA, Listed(kWeb, "same"));
  index.Add(kB, Listed(kDb, "same"));
  EXPECT_THAT(index.Named("same"), ElementsAre(kDb, kWeb));
  EXPECT_THAT(index.HostsOf(kDb), ElementsAre(kB));
}

TEST(GuestIndexTest, RemovingWhatIsNotThereChangesNothing) {
  GuestIndex index;
  index.Add(kA, Listed(kWeb, "web"));
  index.Remove(kB, Listed(kDb, "db"));
  index.Remove(kB, Listed(kWeb, "other"));
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kA));
  EXPECT_THAT(index.Named("web"), ElementsAre(kWeb));
}

TEST(GuestIndexTest, AGuestIsFoundByItsAddresses) {
  GuestIndex index;
  const v1::Guest web = Listed(kWeb, "web", "52:54:00:00:00:01", "10.0.0.7/24");
  const v1::Guest db = Listed(kDb, "db", "52:54:00:00:00:02", "fe80::1/64");
  index.Add(kA, web);
  index.Add(kB, db);
  EXPECT_THAT(index.WithMac("52:54:00:00:00:01"), ElementsAre(kWeb));
  EXPECT_THAT(index.WithMac(""), IsEmpty());
  EXPECT_THAT(index.WithAddress(*ParseIpAddress("10.0.0.7")),
              ElementsAre(kWeb));
  EXPECT_THAT(index.WithAddress(*ParseIpAddress("FE80:0::1")),
              ElementsAre(kDb));
  index.Remove(kA, web);
  EXPECT_THAT(index.WithMac("52:54:00:00:00:01"), IsEmpty());
  EXPECT_THAT(index.WithAddress(*ParseIpAddress("10.0.0.7")), IsEmpty());
  EXPECT_THAT(index.WithMac("52:54:00:00:00:02"), ElementsAre(kDb));
}

TEST(GuestIndexTest, AnAddressThatTwoInterfacesHaveGoesWithTheGuest) {
  GuestIndex index;
  v1::Guest web = Listed(kWeb, "web", "m", "10.0.0.7");
  *web.add_interfaces() = web.interfaces(0);
  index.Add(kA, web);
  EXPECT_THAT(index.WithMac("m"), ElementsAre(kWeb));
  index.Remove(kA, web);
  EXPECT_THAT(index.WithMac("m"), IsEmpty());
}

TEST(GuestIndexTest, AChangeKeepsTheOrderOfTheHosts) {
  GuestIndex index;
  const v1::Guest was = Listed(kWeb, "web", "m1", "10.0.0.7");
  const v1::Guest is = Listed(kWeb, "web", "m2", "10.0.0.8");
  index.Add(kA, was);
  index.Add(kB, was);
  index.Change(kA, was, is);
  EXPECT_THAT(index.HostsOf(kWeb), ElementsAre(kA, kB));
  EXPECT_THAT(index.WithMac("m2"), ElementsAre(kWeb));
  EXPECT_THAT(index.WithMac("m1"), ElementsAre(kWeb));  // as kB has it
  index.Change(kB, was, is);
  EXPECT_THAT(index.WithMac("m1"), IsEmpty());
  EXPECT_THAT(index.WithAddress(*ParseIpAddress("10.0.0.7")), IsEmpty());
}

TEST(GuestIndexTest, KnowsWhichGuestsSeveralHostsList) {
  GuestIndex index;
  index.Add(kA, Listed(kWeb, "web"));
  index.Add(kA, Listed(kDb, "db"));
  EXPECT_THAT(index.shared(), IsEmpty());
  index.Add(kB, Listed(kWeb, "web"));
  EXPECT_THAT(index.shared(), UnorderedElementsAre(kWeb));
  index.Remove(kA, Listed(kWeb, "web"));
  EXPECT_THAT(index.shared(), IsEmpty());
}

}  // namespace
}  // namespace rehai
