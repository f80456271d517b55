// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Hosts that the last run left.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "controller/inventory/record.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::Gt;

class FleetSourceRestoreTest : public FleetSourceTest {
 protected:
  // A source that knows from the run before that host 0 was there, with one
  // guest, at this URI and with this host UUID. Discovery has yet to find it.
  void Restore(const std::string& uuid, const std::string& origin = UriOf(0),
               int64_t session = 7) {
    v1::Record record;
    record.set_node(NodeOf(0));
    record.set_session(session);
    record.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
    record.mutable_provenance()->set_origin(origin);
    record.set_presence(v1::PRESENCE_CURRENT);
    record.mutable_facts()->set_uuid(uuid);
    *record.add_guests() = Guest("1", "web");
    inventory_.Restore({{record, {}}}, 0);
    Create(0);
    created_ = 1;
    source_->Restore(inventory_.View()->records, session);
  }
  void AnswerWith(const std::string& uuid) {
    v1::HostFacts facts;
    facts.set_uuid(uuid);
    Host().SetFacts(facts);
    Host().SetGuest(Guest("1", "web"));
    source_->Start();
    source_->SetHosts({FoundAs(0)});
  }
};

constexpr char kUuid[] = "11111111-1111-1111-1111-111111111111";
constexpr char kOther[] = "22222222-2222-2222-2222-222222222222";

TEST_F(FleetSourceRestoreTest, HostIsStaleUntilItIsReadAndThenCurrent) {
  Restore(kUuid);
  source_->Start();
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
  EXPECT_EQ(Record()->guests_size(), 1);
  Host().SetGuest(Guest("1", "web"));
  source_->SetHosts({FoundAs(0)});
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_FALSE(HasCondition(*Record(), kBeforeRestart));
  EXPECT_FALSE(HasCondition(*Record(), kLeftDiscovery));
}

TEST_F(FleetSourceRestoreTest, SessionsGoOnAboveTheLastRuns) {
  const int64_t last = absl::ToUnixMicros(clock_.Now()) + 1'000'000'000;
  Restore(kUuid, UriOf(0), last);
  AnswerWith(kUuid);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_THAT(Record()->session(), Gt(last));
}

TEST_F(FleetSourceRestoreTest, AnotherMachineInItsPlaceIsNotBelieved) {
  Restore(kUuid);
  AnswerWith(kOther);
  EXPECT_TRUE(AwaitCondition(kHostUuidChanged, true));
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_TRUE(source_->AcceptIdentity(HostId{NodeOf(0)}).ok());
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(FleetSourceRestoreTest, WhatAnsweredAtAnotherUriIsNoEvidence) {
  Restore(kUuid, "qemu+ssh://elsewhere/system");
  AnswerWith(kOther);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_FALSE(HasCondition(*Record(), kHostUuidChanged));
}

TEST_F(FleetSourceRestoreTest, HostThatCannotBeReachedStaysAsItWasThenUnknown) {
  options_.unknown_after = absl::Minutes(10);
  Restore(kUuid);
  Host().FailDials(absl::UnavailableError("no route"));
  source_->Start();
  source_->SetHosts({FoundAs(0)});
  EXPECT_TRUE(AwaitCondition(kUnreachable, true));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
  EXPECT_TRUE(HasCondition(*Record(), kBeforeRestart));
  const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
  while (Record()->presence() != v1::PRESENCE_UNKNOWN &&
         Clock::Real().Uptime() < deadline) {
    clock_.Advance(absl::Seconds(10));
    AwaitCondition(kUnreachable, true);
  }
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_UNKNOWN);
  EXPECT_EQ(Record()->guests_size(), 1);
}

TEST_F(FleetSourceRestoreTest, HostThatNobodyFindsIsForgottenInTheEnd) {
  options_.keep_departed = absl::Hours(1);
  Restore(kUuid);
  source_->Start();
  source_->SetHosts({});
  EXPECT_FALSE(HasCondition(*Record(), kLeftDiscovery))
      << "a search may still find it";
  clock_.Advance(absl::Minutes(2));
  EXPECT_TRUE(AwaitCondition(kLeftDiscovery, true));
  clock_.Advance(absl::Hours(1));
  const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
  MutexLock lock(mu_);
  while (Record() != nullptr && Clock::Real().Uptime() < deadline) {
    changed_.WaitFor(mu_, absl::Milliseconds(1));
  }
  EXPECT_EQ(Record(), nullptr);
}

TEST_F(FleetSourceRestoreTest, NodeThatIsClaimedTwiceIsWatchedAllTheSame) {
  Restore(kUuid);
  Host().SetGuest(Guest("1", "web"));
  source_->Start();
  FoundHost found = FoundAs(0);
  found.other_claims = {"test:///x (file)"};
  source_->SetHosts({found});
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_TRUE(AwaitCondition(kNodeClaimedTwice, true));
}

}  // namespace
}  // namespace rehai
