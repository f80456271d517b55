// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/host_standing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/random/random.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

constexpr absl::Duration kNow = absl::Seconds(1000);
const absl::Time kWall = absl::FromUnixSeconds(1795527759);

FoundHost TestHost() {
  return {.host = {"hv1"},
          .uri = "qemu+ssh://root@hv1/system?keyfile=/k",
          .labels = {{"rack", "r1"}},
          .found_by = "config",
          .other_claims = {}};
}

class HostStandingTest : public testing::Test {
 protected:
  HostStandingTest() : standing_(Options(), TestHost(), kNow) {}

  static hypervisor::HostSchedule::Options Options() {
    return {.reconnect = {.min = absl::Seconds(1), .max = absl::Seconds(60)},
            .relist_interval = absl::Hours(1),
            .event_window = absl::Milliseconds(20),
            .unknown_after = absl::Hours(1)};
  }
  v1::Connection Described() { return standing_.Describe(kNow, kWall); }

  absl::BitGen random_;
  HostStanding standing_;
};

TEST_F(HostStandingTest, ANewHostIsAnnouncedWithItsLabels) {
  EXPECT_EQ(standing_.schedule().Next().step,
            hypervisor::HostSchedule::Step::kAnnounce);
  const Announcement announcement = standing_.TakeAnnouncement();
  EXPECT_EQ(announcement.labels, TestHost().labels);
  EXPECT_THAT(announcement.conditions,
              Contains(Pair(kNodeClaimedTwice, Eq(std::nullopt))));
  EXPECT_EQ(standing_.schedule().Next().step,
            hypervisor::HostSchedule::Step::kDial);
}

TEST_F(HostStandingTest, WhatIsFoundAgainAsItWasIsNoNews) {
  standing_.TakeAnnouncement();
  EXPECT_FALSE(standing_.Found(TestHost(), kNow));
  EXPECT_NE(standing_.schedule().Next().step,
            hypervisor::HostSchedule::Step::kAnnounce);
}

TEST_F(HostStandingTest, OtherLabelsAreAnnouncedAndOtherwiseChangeNothing) {
  standing_.TakeAnnouncement();
  FoundHost found = TestHost();
  found.labels = {{"rack", "r2"}};
  EXPECT_FALSE(standing_.Found(found, kNow));
  EXPECT_EQ(standing_.TakeAnnouncement().labels, found.labels);
}

TEST_F(HostStandingTest, AHostThatMovedIsReachedThere) {
  FoundHost found = TestHost();
  found.uri = "qemu+ssh://hv1-new/system";
  EXPECT_TRUE(standing_.Found(found, kNow));
  EXPECT_EQ(standing_.uri(), found.uri);
}

TEST_F(HostStandingTest, AHostClaimedTwiceStaysWhereItIsUntilOneClaimIsLeft) {
  FoundHost found = TestHost();
  found.uri = "qemu+ssh://other/system";
  found.found_by = "chef search x";
  found.other_claims = {"qemu+ssh://me:secret@hv1/system?keyfile=/k (config)"};
  EXPECT_FALSE(standing_.Found(found, kNow));
  EXPECT_EQ(standing_.uri(), TestHost().uri);
  const auto conditions = standing_.TakeAnnouncement().conditions;
  ASSERT_THAT(conditions, Contains(Key(kNodeClaimedTwice)));
  const std::optional<v1::Condition> claimed = conditions.at(kNodeClaimedTwice);
  ASSERT_TRUE(claimed.has_value());
  EXPECT_EQ(claimed->type(), kNodeClaimedTwice);
  EXPECT_THAT(claimed->message(),
              AllOf(HasSubstr("qemu+ssh://other/system (chef search x)"),
                    HasSubstr("qemu+ssh://me@hv1/system (config)"),
                    HasSubstr("take all but one"), Not(HasSubstr("secret"))));

  found.other_claims.clear();
  EXPECT_TRUE(standing_.Found(found, kNow));
  EXPECT_EQ(standing_.uri(), found.uri);
  EXPECT_THAT(standing_.TakeAnnouncement().conditions,
              Contains(Pair(kNodeClaimedTwice, Eq(std::nullopt))));
}

TEST_F(HostStandingTest, AHostThatLeavesAndReturnsSaysSo) {
  standing_.TakeAnnouncement();
  standing_.NotFound(kWall + absl::Hours(24), kNow);
  const auto left = standing_.TakeAnnouncement().conditions.at(kLeftDiscovery);
  ASSERT_TRUE(left.has_value());
  EXPECT_THAT(left->message(), AllOf(HasSubstr("hv1"), HasSubstr("config"),
                                     HasSubstr("forgotten at 20")));
  standing_.NotFound(kWall + absl::Hours(48), kNow);
  EXPECT_NE(standing_.schedule().Next().step,
            hypervisor::HostSchedule::Step::kAnnounce)
      << "it left once";

  EXPECT_FALSE(standing_.Found(TestHost(), kNow));
  EXPECT_THAT(standing_.TakeAnnouncement().conditions,
              Contains(Pair(kLeftDiscovery, Eq(std::nullopt))));
}

TEST_F(HostStandingTest, TheLastWordOnAConditionIsAnnounced) {
  v1::Condition doubt;
  doubt.set_type(kDuplicateHostUuid);
  standing_.WantCondition(kDuplicateHostUuid, doubt, kNow);
  standing_.WantCondition(kDuplicateHostUuid, std::nullopt, kNow);
  EXPECT_THAT(standing_.TakeAnnouncement().conditions,
              Contains(Pair(kDuplicateHostUuid, Eq(std::nullopt))));
}

TEST_F(HostStandingTest, DescribesAHostThatWaits) {
  standing_.DialEnded(absl::UnavailableError("hv1: refused"), absl::Seconds(1));
  standing_.Failed(absl::UnavailableError("hv1: refused"));
  standing_.schedule().Failed(absl::StatusCode::kUnavailable, kNow, random_);

  const v1::Connection connection = Described();
  EXPECT_EQ(connection.node(), "hv1");
  EXPECT_EQ(connection.uri(), "qemu+ssh://root@hv1/system");
  EXPECT_EQ(connection.found_by(), "config");
  EXPECT_EQ(connection.state(), v1::CONNECTION_STATE_WAITING);
  EXPECT_EQ(FromProto(connection.since()), kWall);
  EXPECT_EQ(connection.failures(), 1);
  EXPECT_EQ(connection.last_error(), "hv1: refused");
  EXPECT_GT(FromProto(connection.next_dial_at()), kWall);
  EXPECT_EQ(connection.dials(), 1);
  EXPECT_FALSE(connection.has_dial_time());
}

TEST_F(HostStandingTest, DescribesAHostThatIsUp) {
  standing_.Failed(absl::UnavailableError("hv1: refused"));
  standing_.DialEnded(absl::OkStatus(), absl::Milliseconds(200));
  standing_.schedule().Dialed(kNow - absl::Seconds(60));
  standing_.schedule().ReadEnded(
      standing_.schedule().BeginRead(kNow - absl::Seconds(60)), {}, random_);
  standing_.ReadEnded("uuid-1", absl::Milliseconds(4));

  const v1::Connection connection = Described();
  EXPECT_EQ(connection.state(), v1::CONNECTION_STATE_UP);
  EXPECT_EQ(FromProto(connection.since()), kWall - absl::Seconds(60));
  EXPECT_EQ(connection.failures(), 0);
  EXPECT_EQ(connection.last_error(), "hv1: refused") << "it stays";
  EXPECT_FALSE(connection.has_next_dial_at());
  EXPECT_EQ(connection.host_uuid(), "uuid-1");
  EXPECT_EQ(FromProto(connection.dial_time()), absl::Milliseconds(200));
  EXPECT_EQ(FromProto(connection.read_time()), absl::Milliseconds(4));
  EXPECT_EQ(connection.reads(), 1);
}

}  // namespace
}  // namespace rehai
