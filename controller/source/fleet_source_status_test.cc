// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What an operator sees of the connections, and commands.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "controller/source/missed_events.h"
#include "tests/fakes/fake_dialer.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class FleetSourceStatusTest : public FleetSourceTest {
 protected:
  v1::Connection ConnectionOf(int i = 0) {
    for (v1::Connection& connection : source_->Connections()) {
      if (connection.node() == NodeOf(i)) return connection;
    }
    ADD_FAILURE() << NodeOf(i) << " is not among the connections";
    return {};
  }
  // Waits until the source shows the host's connection so.
  bool AwaitConnection(const std::function<bool(const v1::Connection&)>& so,
                       int i = 0) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (!so(ConnectionOf(i))) {
      if (Clock::Real().Uptime() >= deadline) return false;
      changed_.WaitFor(mu_, absl::Milliseconds(1));
    }
    return true;
  }
  bool AwaitReadsEnded(int count) {
    return AwaitConnection(
        [&](const v1::Connection& c) { return c.reads() == count; });
  }
  bool AwaitFailures(int count, int i = 0) {
    return AwaitConnection(
        [&](const v1::Connection& c) { return c.failures() == count; }, i);
  }
  int64_t Count(v1::ConnectionState state) {
    const v1::PullStatus status = source_->Status();
    for (const v1::ConnectionStateCount& count : status.connections()) {
      if (count.state() == state) return count.count();
    }
    return 0;
  }
};

TEST_F(FleetSourceStatusTest, ShowsEachConnectionAndTheSumOfThem) {
  Host(1).FailDials(absl::UnauthenticatedError("hv1: key refused"));
  v1::HostFacts facts;
  facts.set_uuid("uuid-0");
  Host(0).SetFacts(facts);
  Start(2);
  ASSERT_TRUE(AwaitReadsEnded(1));
  ASSERT_TRUE(AwaitFailures(1, 1));

  const v1::Connection up = ConnectionOf(0);
  EXPECT_EQ(up.state(), v1::CONNECTION_STATE_UP);
  EXPECT_EQ(up.host_uuid(), "uuid-0");
  EXPECT_EQ(up.found_by(), "config");
  EXPECT_EQ(up.dials(), 1);
  const v1::Connection waits = ConnectionOf(1);
  EXPECT_EQ(waits.state(), v1::CONNECTION_STATE_WAITING);
  EXPECT_EQ(waits.last_error(), "hv1: key refused");
  EXPECT_TRUE(waits.has_next_dial_at());

  const v1::PullStatus status = source_->Status();
  EXPECT_EQ(Count(v1::CONNECTION_STATE_UP), 1);
  EXPECT_EQ(Count(v1::CONNECTION_STATE_WAITING), 1);
  EXPECT_EQ(status.dials(), 2);
  EXPECT_THAT(status.failed_dials(), ElementsAre(Pair("refused", 1)));
  EXPECT_EQ(status.reads(), 1);
  EXPECT_EQ(status.failed_reads(), 0);
  EXPECT_EQ(status.lost_connections(), 0);
}

TEST_F(FleetSourceStatusTest, CountsWhatWasLost) {
  Start();
  ASSERT_TRUE(AwaitReadsEnded(1));
  Host().FailReads(absl::UnavailableError("hv0: no answer"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitFailures(1));
  const v1::PullStatus status = source_->Status();
  EXPECT_EQ(status.lost_connections(), 1);
  EXPECT_EQ(status.reads(), 2);
  EXPECT_EQ(status.failed_reads(), 1);
  EXPECT_EQ(status.events(), 1);
  EXPECT_EQ(status.event_to_record().count(), 0) << "the record shows nothing";
}

TEST_F(FleetSourceStatusTest, MeasuresFromTheEventToTheRecord) {
  Start();
  ASSERT_TRUE(AwaitReadsEnded(1));
  Host().HoldReads();
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(Host().AwaitReads(2));
  clock_.Advance(absl::Milliseconds(80));
  Host().ReleaseReads();
  ASSERT_TRUE(AwaitReadsEnded(2));
  const v1::Histogram latency = source_->Status().event_to_record();
  EXPECT_EQ(latency.count(), 1);
  EXPECT_DOUBLE_EQ(
      latency.sum_seconds(),
      absl::ToDoubleSeconds(options_.event_window + absl::Milliseconds(80)));
}

TEST_F(FleetSourceStatusTest, CountsChangesThatNoEventToldOf) {
  options_.relist_interval = absl::Minutes(10);
  Start();
  ASSERT_TRUE(AwaitReadsEnded(1));
  Host().SetGuest(Guest("silent", "web"));
  clock_.Advance(options_.relist_interval);
  ASSERT_TRUE(AwaitReadsEnded(2));
  EXPECT_EQ(source_->Status().missed_events(), 0) << "it may be late";
  clock_.Advance(MissedEvents::kGrace);
  EXPECT_EQ(source_->Status().missed_events(), 1);
  EXPECT_EQ(ConnectionOf().missed_events(), 1);
}

TEST_F(FleetSourceStatusTest,
       WhatAHostMissedCountsOnIfItReturnsAsItIsForgotten) {
  options_.relist_interval = absl::Minutes(10);
  inventory_.AddListener([&](const Change& change) {
    if (change.record == nullptr) source_->SetHosts({FoundAs(0)});
  });
  Start();
  ASSERT_TRUE(AwaitReadsEnded(1));
  Host().SetGuest(Guest("silent", "web"));
  clock_.Advance(options_.relist_interval);
  ASSERT_TRUE(AwaitReadsEnded(2));
  clock_.Advance(MissedEvents::kGrace);
  ASSERT_EQ(source_->Status().missed_events(), 1);

  source_->SetHosts({});
  ASSERT_TRUE(AwaitConnection([](const v1::Connection& c) {
    return c.state() == v1::CONNECTION_STATE_DEPARTED;
  }));
  clock_.Advance(options_.keep_departed);
  ASSERT_TRUE(Host().AwaitDials(2));
  EXPECT_EQ(ConnectionOf().missed_events(), 0) << "it begins anew";
  EXPECT_EQ(source_->Status().missed_events(), 1);
}

TEST_F(FleetSourceStatusTest, AnOperatorsRetryEndsQuarantine) {
  Host(0).FailDials(absl::InvalidArgumentError("hv0: no such driver"));
  Host(1).FailDials(absl::UnavailableError("hv1: refused"));
  Start(3);
  ASSERT_TRUE(AwaitFailures(1, 0));
  ASSERT_TRUE(AwaitFailures(1, 1));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 2));
  EXPECT_EQ(Count(v1::CONNECTION_STATE_QUARANTINED), 1);

  Host(0).AllowDials();
  EXPECT_EQ(source_->Retry({{NodeOf(0)}, {NodeOf(2)}, {"nobody"}}), 1);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 0));
  EXPECT_EQ(Host(1).dials(), 1);

  Host(1).AllowDials();
  EXPECT_EQ(source_->Retry({}), 0) << "a selector that means nobody";
  EXPECT_EQ(source_->Retry({{NodeOf(1)}}), 1);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 1));
  EXPECT_EQ(source_->Retry({{NodeOf(1)}}), 0);
}

TEST_F(FleetSourceStatusTest, WhatWaitsForAWorkerShows) {
  Create(3);
  clock_.Advance(absl::Seconds(7));
  v1::PullStatus status = source_->Status();
  EXPECT_EQ(status.waiting(), 3);
  EXPECT_EQ(status.oldest_due().seconds(), 7);
  EXPECT_EQ(Count(v1::CONNECTION_STATE_DIALING), 3);
  source_->Start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
  EXPECT_EQ(source_->Status().waiting(), 0);
}

}  // namespace
}  // namespace rehai
