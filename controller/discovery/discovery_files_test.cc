// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Discovery by files, and what holds for every provider.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "controller/discovery/discovery.h"
#include "controller/discovery/discovery_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using DiscoveryFilesTest = DiscoveryTest;

TEST_F(DiscoveryFilesTest, StartTellsWhatConfigurationAndFilesHold) {
  options_.static_hosts = {ConfigHost("hv2", "u:2")};
  folder_.WriteHosts("a.yaml", {"hv3", "hv1"});
  Start();
  EXPECT_THAT(FleetNodes(), ElementsAre("hv1", "hv2", "hv3"));
  EXPECT_EQ(Fleets(), 1);
  EXPECT_EQ(discovery_->Status().hosts(), 3);
  EXPECT_EQ(StatusOf("config").hosts(), 1);
  EXPECT_EQ(StatusOf(folder_ / "a.yaml").hosts(), 2);
}

TEST_F(DiscoveryFilesTest, StartTellsOfAnEmptyFleetToo) {
  Start();
  EXPECT_EQ(Fleets(), 1);
  EXPECT_THAT(Fleet(), IsEmpty());
}

TEST_F(DiscoveryFilesTest, ABadFileAtTheStartDoesNotStopTheOthers) {
  folder_.Write("a.yaml", "hosts: 7");
  folder_.WriteHosts("b.yaml", {"hv1"});
  Start();
  EXPECT_THAT(FleetNodes(), ElementsAre("hv1"));
  EXPECT_THAT(StatusOf(folder_ / "a.yaml").error(), HasSubstr("hosts: is"));
  EXPECT_FALSE(StatusOf(folder_ / "a.yaml").has_good_at());
}

TEST_F(DiscoveryFilesTest, AReplacedFileIsSeenWithoutTheClock) {
  folder_.WriteHosts("a.yaml", {"hv1"});
  Start();
  folder_.ReplaceHosts("a.yaml", {"hv1", "hv2"});
  AwaitFleet({"hv1", "hv2"});
  folder_.ReplaceHosts("a.yaml", {"hv2"});
  AwaitFleet({"hv2"});
}

TEST_F(DiscoveryFilesTest, ANewFileThatMatchesIsSeenAndOneThatVanishes) {
  folder_.WriteHosts("a.yaml", {"hv1"});
  Start();
  folder_.WriteHosts("b.yaml", {"hv2"});
  AwaitFleet({"hv1", "hv2"});
  folder_.Remove("a.yaml");
  AwaitFleet({"hv2"});
  EXPECT_EQ(StatusOf(folder_ / "a.yaml").name(), "");
}

TEST_F(DiscoveryFilesTest, ABadFileKeepsItsHostsUntilItIsGoodAgain) {
  folder_.WriteHosts("a.yaml", {"hv1"});
  Start();
  folder_.Replace("a.yaml", "hosts:\n  - {node: hv2}\n");
  folder_.WriteHosts("b.yaml", {"hv3"});
  AwaitFleet({"hv1", "hv3"});  // who sees b.yaml has seen a.yaml
  EXPECT_THAT(StatusOf(folder_ / "a.yaml").error(), HasSubstr("hosts[0]"));
  EXPECT_EQ(StatusOf(folder_ / "a.yaml").hosts(), 1);
  folder_.ReplaceHosts("a.yaml", {"hv1", "hv2"});
  AwaitFleet({"hv1", "hv2", "hv3"});
  EXPECT_EQ(StatusOf(folder_ / "a.yaml").error(), "");
}

TEST_F(DiscoveryFilesTest, WhatNoNotificationTellsIsSeenAtTheNextLook) {
  options_.files = {folder_ / "later/*.yaml"};
  Start();
  EXPECT_THAT(StatusOf(folder_ / "later/*.yaml").error(),
              HasSubstr("cannot read the folder"));
  fs::create_directory(folder_ / "later");
  folder_.WriteHosts("later/a.yaml", {"hv1"});
  clock_.Advance(options_.file_interval);
  AwaitFleet({"hv1"});
  // And now the folder is watched.
  folder_.ReplaceHosts("later/b.yaml", {"hv2"});
  AwaitFleet({"hv1", "hv2"});
}

TEST_F(DiscoveryFilesTest, TheSecondLookComesByTheClock) {
  options_.second_look = absl::Seconds(1);
  options_.file_interval = absl::Hours(1000);
  folder_.WriteHosts("a.yaml", {"hv1", "hv2"});
  Start();
  folder_.ReplaceHosts("a.yaml", {"hv1"});
  MutexLock lock(mu_);
  while (fleet_.size() != 1) {
    clock_.Advance(absl::Seconds(1));
    changed_.WaitFor(mu_, absl::Milliseconds(5));
  }
}

TEST_F(DiscoveryFilesTest, ManyThatVanishAreHeldAndMayReturn) {
  folder_.WriteHosts("a.yaml", {"hv1", "hv2", "hv3", "hv4"});
  folder_.WriteHosts("b.yaml", {"hv5"});
  Start();
  folder_.Remove("a.yaml");
  folder_.WriteHosts("c.yaml", {"hv6"});
  AwaitFleet({"hv1", "hv2", "hv3", "hv4", "hv5", "hv6"});
  AwaitHeld(4);
  EXPECT_THAT(discovery_->Status().held(),
              ElementsAre("hv1", "hv2", "hv3", "hv4"));
  EXPECT_TRUE(discovery_->Status().has_held_since());
  folder_.ReplaceHosts("a.yaml", {"hv1", "hv2", "hv3", "hv4", "hv7"});
  AwaitFleet({"hv1", "hv2", "hv3", "hv4", "hv5", "hv6", "hv7"});
  EXPECT_THAT(discovery_->Status().held(), IsEmpty());
}

TEST_F(DiscoveryFilesTest, HeldHostsGoWhenAnOperatorConfirmsAllOfThem) {
  folder_.WriteHosts("a.yaml", {"hv1", "hv2", "hv3", "hv4"});
  folder_.WriteHosts("b.yaml", {"hv5"});
  Start();
  EXPECT_THAT(discovery_->Confirm(0),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  folder_.Remove("a.yaml");
  AwaitHeld(4);
  EXPECT_THAT(discovery_->Confirm(3),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("holds 4 hosts, not 3")));
  const auto departed = discovery_->Confirm(4);
  ASSERT_THAT(departed, IsOk());
  EXPECT_THAT(*departed, ElementsAre("hv1", "hv2", "hv3", "hv4"));
  AwaitFleet({"hv5"});
  EXPECT_THAT(discovery_->Status().held(), IsEmpty());
}

TEST_F(DiscoveryFilesTest, AHostThatIsWatchedIsNotTakenOver) {
  folder_.WriteHosts("b.yaml", {"hv1"});
  Start();
  // Of an earlier provider, and all the same a newcomer.
  folder_.Replace("a.yaml", "hosts: [{node: hv1, uri: 'other:'}]");
  {
    MutexLock lock(mu_);
    while (fleet_[0].other_claims.empty()) changed_.Wait(mu_);
  }
  EXPECT_EQ(Fleet()[0].uri, "u:hv1");
  EXPECT_THAT(Fleet()[0].other_claims,
              ElementsAre(absl::StrCat("other: (", folder_ / "a.yaml", ")")));
  EXPECT_THAT(discovery_->Status().claimed_twice(), ElementsAre("hv1"));
  folder_.Remove("b.yaml");
  MutexLock lock(mu_);
  while (fleet_[0].uri != "other:") changed_.Wait(mu_);
}

TEST_F(DiscoveryFilesTest, AfterStopNobodyIsTold) {
  Start();
  discovery_->Stop();
  folder_.WriteHosts("a.yaml", {"hv1"});
  clock_.Advance(absl::Hours(1));
  discovery_->Stop();
  discovery_.reset();
  EXPECT_EQ(Fleets(), 1);
}

}  // namespace
}  // namespace rehai
