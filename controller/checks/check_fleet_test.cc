// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/checks/check_fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/proto_time.h"
#include "controller/checks/fleet_checks.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kUuid[] = "11111111-1111-1111-1111-111111111111";
constexpr char kOther[] = "22222222-2222-2222-2222-222222222222";

v1::Guest Guest(const std::string& uuid, const std::string& name,
                const std::string& mac = "",
                v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(name);
  guest.set_state(state);
  if (!mac.empty()) guest.add_interfaces()->set_mac(mac);
  return guest;
}

v1::Record Host(const std::string& node, const std::vector<v1::Guest>& guests,
                v1::Presence presence = v1::PRESENCE_CURRENT) {
  v1::Record record;
  record.set_node(node);
  record.set_presence(presence);
  *record.mutable_confirmed_at() = ToProto(kNow);
  for (const v1::Guest& guest : guests) *record.add_guests() = guest;
  return record;
}

FleetView View(const std::vector<v1::Record>& records) {
  FleetView view;
  for (const v1::Record& record : records) {
    view.records.push_back(std::make_shared<v1::Record>(record));
  }
  return view;
}

std::vector<std::string> Names(const std::vector<v1::Finding>& findings) {
  std::vector<std::string> names;
  for (const v1::Finding& finding : findings) {
    names.push_back(
        absl::StrCat(v1::FindingType_Name(finding.type()).substr(13), " ",
                     finding.subject()));
  }
  return names;
}

TEST(CheckGuestsTest, AFleetAsItShouldBeHasNoFindings) {
  EXPECT_THAT(CheckGuests(View({Host("a", {Guest(kUuid, "web", "52:54:01")}),
                                Host("b", {Guest(kOther, "db", "52:54:02")})})),
              IsEmpty());
}

TEST(CheckGuestsTest, AGuestThatRunsOnTwoHostsIsFound) {
  const auto findings = CheckGuests(View(
      {Host("a", {Guest(kUuid, "web")}), Host("b", {Guest(kUuid, "web")})}));
  ASSERT_THAT(Names(findings),
              ElementsAre(absl::StrCat("GUEST_ACTIVE_TWICE ", kUuid)));
  EXPECT_THAT(findings[0].nodes(), ElementsAre("a", "b"));
  EXPECT_THAT(findings[0].guest_uuids(), ElementsAre(kUuid));
  EXPECT_THAT(findings[0].message(), HasSubstr("web on a, web on b"));
}

TEST(CheckGuestsTest, AMigrationIsNoGuestThatRunsTwice) {
  const std::vector<v1::Guest> running = {Guest(kUuid, "web", "52:54:01")};
  // Paused while it arrives; left behind without running; last seen on a host
  // that cannot be reached; missing from the last list of the host it left.
  EXPECT_THAT(CheckGuests(View({Host("a", running),
                                Host("b", {Guest(kUuid, "web", "52:54:01",
                                                 v1::GUEST_STATE_PAUSED)})})),
              IsEmpty());
  EXPECT_THAT(CheckGuests(View({Host("a", running),
                                Host("b", {Guest(kUuid, "web", "52:54:01",
                                                 v1::GUEST_STATE_SHUT_OFF)})})),
              IsEmpty());
  EXPECT_THAT(CheckGuests(View({Host("a", running),
                                Host("b", running, v1::PRESENCE_STALE)})),
              IsEmpty());
  v1::Record left = Host("b", running);
  left.add_missing_uuids(kUuid);
  EXPECT_THAT(CheckGuests(View({Host("a", running), left})), IsEmpty());
}

TEST(CheckGuestsTest, AMacAddressThatTwoGuestsHaveIsFound) {
  // On one host or on two, running or not.
  EXPECT_THAT(
      Names(CheckGuests(View({Host(
          "a", {Guest(kUuid, "web", "52:54:01"),
                Guest(kOther, "db", "52:54:01", v1::GUEST_STATE_SHUT_OFF)})}))),
      ElementsAre("DUPLICATE_MAC 52:54:01"));
  EXPECT_THAT(
      Names(CheckGuests(View({Host("a", {Guest(kUuid, "web", "52:54:01")}),
                              Host("b", {Guest(kOther, "db", "52:54:01")})}))),
      ElementsAre("DUPLICATE_MAC 52:54:01"));
}

TEST(CheckGuestsTest, ANameThatTwoGuestsHaveIsFound) {
  const auto findings = CheckGuests(View(
      {Host("a", {Guest(kUuid, "web")}), Host("b", {Guest(kOther, "web")})}));
  ASSERT_THAT(Names(findings), ElementsAre("DUPLICATE_NAME web"));
  EXPECT_THAT(findings[0].guest_uuids(), ElementsAre(kUuid, kOther));
}

TEST(CheckGuestsTest, ManyAreCountedAndSomeAreNamed) {
  std::vector<v1::Record> hosts;
  for (int i = 0; i < 50; ++i) {
    hosts.push_back(Host(absl::StrCat("h", 10 + i),
                         {Guest(absl::StrCat("uuid", 10 + i), "clone")}));
  }
  const auto findings = CheckGuests(View(hosts));
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].nodes(), SizeIs(20));
  EXPECT_THAT(findings[0].message(),
              AllOf(HasSubstr("50 guests"), HasSubstr("and 30 more")));
}

std::vector<v1::Finding> Check(
    const v1::Record& record, const HostSync& sync = {},
    const std::optional<std::vector<HostId>>& stamped = std::nullopt,
    const absl::flat_hash_map<HostId, absl::Time>& known_since = {}) {
  return CheckHosts(View({record}), {sync}, stamped, known_since, {}, kNow);
}

TEST(CheckHostsTest, AHostIsSilentAfterAWhile) {
  v1::Record record = Host("a", {}, v1::PRESENCE_STALE);
  *record.mutable_confirmed_at() = ToProto(kNow - absl::Minutes(4));
  EXPECT_THAT(Check(record), IsEmpty());
  *record.mutable_confirmed_at() = ToProto(kNow - absl::Minutes(5));
  const auto findings = Check(record);
  ASSERT_THAT(Names(findings), ElementsAre("HOST_SILENT a"));
  EXPECT_EQ(FromProto(findings[0].since()), kNow - absl::Minutes(5));
  // One that can be reached and has nothing new is not.
  record.set_presence(v1::PRESENCE_CURRENT);
  EXPECT_THAT(Check(record), IsEmpty());
}

TEST(CheckHostsTest, AHostThatWasNeverReadIsSilentToo) {
  const v1::Record record = Host("a", {}, v1::PRESENCE_NEVER_SEEN);
  EXPECT_THAT(Check(record), IsEmpty());
  EXPECT_THAT(Names(Check(record, {}, std::nullopt,
                          {{HostId{"a"}, kNow - absl::Minutes(6)}})),
              ElementsAre("HOST_SILENT a"));
}

TEST(CheckHostsTest, AHostThatChefDoesNotHaveIsFoundAfterAWhile) {
  HostSync sync;
  EXPECT_THAT(Check(Host("a", {}), sync), IsEmpty());
  sync.unsynced_since = kNow - absl::Minutes(4);
  EXPECT_THAT(Check(Host("a", {}), sync), IsEmpty());
  sync.unsynced_since = kNow - absl::Minutes(6);
  sync.status.set_last_error("node a: no such node; run chef-client once");
  const auto findings = Check(Host("a", {}), sync);
  ASSERT_THAT(Names(findings), ElementsAre("HOST_NOT_IN_CHEF a"));
  EXPECT_THAT(findings[0].message(), HasSubstr("run chef-client once"));
}

TEST(CheckHostsTest, ANodeOfNoHostIsFound) {
  EXPECT_THAT(Names(Check(Host("a", {}), {}, {{HostId{"a"}, HostId{"gone"}}})),
              ElementsAre("NODE_WITHOUT_HOST gone"));
}

// The clock is that of the machine: a figure, and a bound far above it.
class FleetChecksTest : public testing::Test {
 protected:
  void See(const HostId& host, const std::vector<v1::Guest>& guests) {
    inventory_.AddHost(host, {});
    v1::Observation observation;
    observation.set_node(host.node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    for (const v1::Guest& guest : guests) *observation.add_guests() = guest;
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }
  std::vector<std::string> Found() {
    checks_.Tick();
    return Names(checks_.Last()->findings);
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  v1::SyncState state_ = v1::SYNC_STATE_SYNCED;
  FleetChecks checks_{{},
                      inventory_,
                      [this](const HostId&) {
                        v1::SyncStatus status;
                        status.set_state(state_);
                        return status;
                      },
                      clock_};
  int64_t sequence_ = 0;
};

TEST_F(FleetChecksTest, AFindingKeepsItsTimeAndGoesWithItsCause) {
  EXPECT_EQ(checks_.Last()->checked_at, absl::InfinitePast());
  See(HostId{"a"}, {Guest(kUuid, "web")});
  See(HostId{"b"}, {Guest(kOther, "web")});
  const absl::Time found_at = clock_.Now();
  EXPECT_THAT(Found(), ElementsAre("DUPLICATE_NAME web"));
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Found(), ElementsAre("DUPLICATE_NAME web"));
  EXPECT_EQ(FromProto(checks_.Last()->findings[0].since()), found_at);
  See(HostId{"b"}, {Guest(kOther, "db")});
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_EQ(checks_.Last()->revision, inventory_.revision());
}

TEST_F(FleetChecksTest, AHostIsMissedInChefFromWhenItWasNotSynced) {
  See(HostId{"a"}, {});
  EXPECT_THAT(Found(), IsEmpty());
  state_ = v1::SYNC_STATE_PARKED;
  EXPECT_THAT(Found(), IsEmpty());
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(Found(), ElementsAre("HOST_NOT_IN_CHEF a"));
  state_ = v1::SYNC_STATE_SYNCED;
  EXPECT_THAT(Found(), IsEmpty());
  state_ = v1::SYNC_STATE_PENDING;
  EXPECT_THAT(Found(), IsEmpty());
  state_ = v1::SYNC_STATE_DRY_RUN;
  clock_.Advance(absl::Minutes(50));
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(FleetChecksTest, ANewHostHasItsTimeToBeRead) {
  inventory_.AddHost(HostId{"a"}, {});
  EXPECT_THAT(Found(), IsEmpty());
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(Found(), ElementsAre("HOST_SILENT a"));
}

TEST_F(FleetChecksTest, WhatIsIgnoredIsNoFinding) {
  FleetChecks checks(
      {.ignored = {v1::FINDING_TYPE_DUPLICATE_NAME}}, inventory_,
      [](const HostId&) { return v1::SyncStatus(); }, clock_);
  v1::Guest guest = Guest(kUuid, "web");
  guest.add_interfaces()->set_mac("52:54:00:00:00:01");
  v1::Guest other = Guest(kOther, "web");
  other.add_interfaces()->set_mac("52:54:00:00:00:01");
  See(HostId{"a"}, {guest});
  See(HostId{"b"}, {other});
  checks.Tick();
  EXPECT_THAT(Names(checks.Last()->findings),
              ElementsAre("DUPLICATE_MAC 52:54:00:00:00:01"));
}

TEST_F(FleetChecksTest, TheNewestSearchCounts) {
  See(HostId{"a"}, {});
  checks_.OnSearched({HostId{"a"}, HostId{"old"}}, clock_.Now());
  EXPECT_THAT(Found(), ElementsAre("NODE_WITHOUT_HOST old"));
  checks_.OnSearched({HostId{"a"}}, clock_.Now() + absl::Seconds(1));
  checks_.OnSearched({HostId{"older"}}, clock_.Now());
  EXPECT_THAT(Found(), IsEmpty());
}

}  // namespace
}  // namespace rehai
