// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Hosts that come, go, move and are claimed twice.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/inventory/record.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class FleetSourceFleetTest : public FleetSourceTest {};

TEST_F(FleetSourceFleetTest, AHostThatIsFoundLaterIsDialed) {
  Start(1);
  created_ = 2;
  Host(1).SetGuest(Guest("1", "web"));
  source_->SetHosts({FoundAs(0), FoundAs(1)});
  ASSERT_NE(Record(1), nullptr) << "it is in the fleet at once";
  EXPECT_TRUE(AwaitGuests(1, 1));
}

TEST_F(FleetSourceFleetTest, HostsMayBeFoundBeforeTheStart) {
  Create(0);
  created_ = 1;
  Host(0);
  source_->SetHosts({FoundAs(0)});
  EXPECT_EQ(Record(0)->presence(), v1::PRESENCE_NEVER_SEEN);
  source_->Start();
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(FleetSourceFleetTest, OtherLabelsReachTheInventoryWithoutARead) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  FoundHost found = FoundAs(0);
  found.labels = {{"rack", "r2"}};
  source_->SetHosts({found});
  EXPECT_TRUE(
      Await([](const v1::Record& r) { return r.labels().count("rack") == 1; }));
  EXPECT_EQ(Host().dials(), 1);
  EXPECT_EQ(Host().reads(), 1);
}

TEST_F(FleetSourceFleetTest, AHostThatLeavesIsReadOnceMoreAndThenLeftAlone) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  clock_.Advance(absl::Seconds(1));
  Host().SetGuest(Guest("1", "web"));
  source_->SetHosts({});
  ASSERT_TRUE(AwaitCondition(kLeftDiscovery, true));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  EXPECT_EQ(Record()->guests_size(), 1) << "the last read was taken in";
  EXPECT_EQ(Host().open_connections(), 0);
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_DEPARTED));

  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  EXPECT_THAT(answers.Await(), ElementsAre(StatusIs(absl::StatusCode::kNotFound,
                                                    HasSubstr("discovery"))));
  clock_.Advance(options_.keep_departed - absl::Minutes(1));
  EXPECT_NE(Record(), nullptr);
  EXPECT_EQ(Host().dials(), 1);

  clock_.Advance(absl::Minutes(1));
  const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
  MutexLock lock(mu_);
  while (Record() != nullptr && Clock::Real().Uptime() < deadline) {
    changed_.WaitFor(mu_, absl::Milliseconds(1));
  }
  EXPECT_EQ(Record(), nullptr);
}

TEST_F(FleetSourceFleetTest, AHostThatReturnsIsAsBefore) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  clock_.Advance(absl::Seconds(1));
  source_->SetHosts({});
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_DEPARTED));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  clock_.Advance(absl::Hours(1));
  source_->SetHosts({FoundAs(0)});
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_TRUE(AwaitCondition(kLeftDiscovery, false));
  EXPECT_EQ(Host().dials(), 2);
  clock_.Advance(options_.keep_departed);
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk())) << "not forgotten";
}

TEST_F(FleetSourceFleetTest, AHostThatReturnsAfterItWasForgottenIsNew) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  clock_.Advance(absl::Seconds(1));
  source_->SetHosts({});
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_DEPARTED));
  clock_.Advance(options_.keep_departed);
  // Whether it is forgotten before or while it returns, it is there in the end.
  source_->SetHosts({FoundAs(0)});
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  ASSERT_THAT(answers.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_CURRENT);
  EXPECT_TRUE(AwaitCondition(kLeftDiscovery, false));
}

TEST_F(FleetSourceFleetTest, AHostThatLeavesWhileItIsDownIsNotDialedAgain) {
  Host().FailDials(absl::UnavailableError("hv0: refused"));
  Start();
  ASSERT_TRUE(AwaitCondition(kUnreachable, true));
  source_->SetHosts({});
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_DEPARTED));
  clock_.Advance(absl::Hours(2));
  ASSERT_TRUE(AwaitCondition(kLeftDiscovery, true));
  EXPECT_EQ(Host().dials(), 1);
}

TEST_F(FleetSourceFleetTest, AHungHostThatLeavesEndsWithItsRead) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  clock_.Advance(absl::Seconds(1));
  Answers asked;
  source_->Reread(HostId{NodeOf(0)}, asked.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  source_->SetHosts({});
  Host().Drop("keepalive gave up");
  EXPECT_THAT(asked.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_TRUE(AwaitState(v1::CONNECTION_STATE_DEPARTED));
  EXPECT_EQ(Host().open_connections(), 0);
}

TEST_F(FleetSourceFleetTest, AHostAtAnotherUriIsClosedHereAndDialedThere) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const std::string uri = "fake://hv0-new/";
  dialer_.host(uri).SetGuest(Guest("1", "web"));
  dialer_.host(uri).SetGuest(Guest("2", "db"));
  FoundHost found = FoundAs(0);
  found.uri = uri;
  source_->SetHosts({found});
  ASSERT_TRUE(AwaitGuests(2));
  EXPECT_EQ(Record()->provenance().origin(), uri);
  EXPECT_EQ(Host().open_connections(), 0);
  EXPECT_EQ(dialer_.host(uri).open_connections(), 1);
}

TEST_F(FleetSourceFleetTest, AReadAtTheOldUriIsNotTakenInAndItsAskersWait) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("old", "web"));
  Host().HoldReads();
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  FoundHost found = FoundAs(0);
  found.uri = "fake://hv0-new/";
  dialer_.host(found.uri).SetGuest(Guest("new", "web"));
  source_->SetHosts({found});
  dialer_.host(found.uri).HoldReads();
  Host().ReleaseReads();
  ASSERT_TRUE(dialer_.host(found.uri).AwaitReads(1));
  EXPECT_EQ(Record()->guests_size(), 0);
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);

  dialer_.host(found.uri).ReleaseReads();
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk()));
  ASSERT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Record()->guests(0).uuid(), "new");
}

TEST_F(FleetSourceFleetTest, ADialOfTheOldUriIsNoFailureOfTheNewOne) {
  Host().HoldDials();
  Host().FailDials(absl::UnavailableError("hv0: refused"));
  Start();
  ASSERT_TRUE(Host().AwaitDials(1));
  FoundHost found = FoundAs(0);
  found.uri = "fake://hv0-new/";
  dialer_.host(found.uri);
  source_->SetHosts({found});
  Host().ReleaseDials();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->provenance().origin(), found.uri);
}

TEST_F(FleetSourceFleetTest, ANodeClaimedTwiceIsWatchedWhereItWas) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  FoundHost found = FoundAs(0);
  found.uri = "fake://hv0-new/";
  found.other_claims = {absl::StrCat(UriOf(0), " (config)")};
  dialer_.host(found.uri);
  source_->SetHosts({found});
  ASSERT_TRUE(AwaitCondition(kNodeClaimedTwice, true));
  EXPECT_EQ(Host().open_connections(), 1);
  EXPECT_EQ(dialer_.host(found.uri).dials(), 0);

  found.other_claims.clear();
  source_->SetHosts({found});
  ASSERT_TRUE(AwaitCondition(kNodeClaimedTwice, false));
  EXPECT_TRUE(dialer_.host(found.uri).AwaitDials(1));
}

TEST_F(FleetSourceFleetTest, HostsOfASourceThatStoppedStayAsTheyAre) {
  Start();
  source_->Stop();
  source_->SetHosts({FoundAs(1)});
  EXPECT_EQ(Record(1), nullptr);
  EXPECT_THAT(source_->Connections(), SizeIs(1));
}

}  // namespace
}  // namespace rehai
