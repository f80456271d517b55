// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer does when writes fail, and what it never exceeds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(SyncerTest, RetriesAfterAWaitThatDoubles) {
  SyncFleet();
  const size_t before = Writes();
  ObserveRunning();
  sink_.SetAll(v1::WRITE_OUTCOME_RETRY);
  PassWindow();
  for (int i = 0; i < 10; ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(Writes(), before + i + 1);
    const absl::Duration whole = std::min(kRetryMin * (1 << i), kRetryMax);
    const absl::Duration next = syncer_->Tick() - clock_.Uptime();
    EXPECT_GE(next, whole / 2);
    EXPECT_LE(next, whole);

    const v1::SyncStatus status = syncer_->Status(kHost);
    EXPECT_EQ(status.state(), v1::SYNC_STATE_PENDING);
    EXPECT_EQ(status.last_outcome(), v1::WRITE_OUTCOME_RETRY);
    EXPECT_THAT(status.last_error(), HasSubstr(kHost.node));
    EXPECT_EQ(status.next_try_at().seconds(),
              absl::ToUnixSeconds(clock_.Now() + next));
    Pass(next);
  }
  sink_.SetAll(v1::WRITE_OUTCOME_UNSPECIFIED);
  Pass(kRetryMax);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(syncer_->Status(kHost).last_error(), "");
}

TEST_F(SyncerTest, ASuccessStartsTheWaitsAfresh) {
  ObserveRunning();
  for (int i = 0; i < 8; ++i) {
    sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  }
  for (int i = 0; i < 9; ++i) Pass(kRetryMax);
  ASSERT_EQ(State(), v1::SYNC_STATE_SYNCED);

  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  ObserveShutOff();
  PassWindow();
  EXPECT_LE(syncer_->Tick(), clock_.Uptime() + kRetryMin);
}

TEST_F(SyncerTest, TheRetryWritesTheNewest) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  ObserveRunning();
  PassWindow();
  ObserveShutOff();
  Pass(kRetryMin);
  ASSERT_EQ(Writes(), 2u);
  EXPECT_EQ(sink_.updates()[1].stamp.revision, RevisionOf());
}

TEST_F(SyncerTest, AFailedTryPutsTheConfirmationInDoubt) {
  Sync();
  // The server may have carried it out although no answer came.
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  ObserveShutOff();
  PassWindow();
  ASSERT_EQ(Writes(), 2u);
  // Back to what was confirmed: not silently taken for granted.
  ObserveRunning();
  Pass(kRetryMin);
  EXPECT_EQ(Writes(), 3u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

class SyncerParkTest : public SyncerTest,
                       public testing::WithParamInterface<v1::WriteOutcome> {};

TEST_P(SyncerParkTest, StaysParkedUntilItsBeliefChanges) {
  sink_.Script(kHost.node, GetParam());
  ObserveRunning();
  PassWindow();
  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_PARKED);
  EXPECT_EQ(status.last_outcome(), GetParam());
  EXPECT_THAT(status.last_error(), HasSubstr(kHost.node));
  EXPECT_EQ(status.pending_revision(), RevisionOf());
  EXPECT_FALSE(status.has_next_try_at());

  Pass(absl::Hours(24));
  EXPECT_EQ(Writes(), 1u);

  ObserveShutOff();
  EXPECT_EQ(State(), v1::SYNC_STATE_PENDING);
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_P(SyncerParkTest, IsTriedWhenAnOperatorAsks) {
  sink_.Script(kHost.node, GetParam());
  ObserveRunning();
  PassWindow();
  Rewrite();
  EXPECT_EQ(Writes(), 2u);
  ASSERT_THAT(rewrites_, SizeIs(1));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

INSTANTIATE_TEST_SUITE_P(Outcomes, SyncerParkTest,
                         testing::Values(v1::WRITE_OUTCOME_FORBIDDEN,
                                         v1::WRITE_OUTCOME_TOO_LARGE,
                                         v1::WRITE_OUTCOME_REJECTED));

TEST_F(SyncerTest, AMissingNodeIsLookedForAgain) {
  // chef-client makes it at its first run.
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_NODE_MISSING);
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_PARKED);
  EXPECT_TRUE(syncer_->Status(kHost).has_next_try_at());
  Pass(kRetryMax / 2 - absl::Seconds(1));
  EXPECT_EQ(Writes(), 1u);
  Pass(kRetryMax / 2 + absl::Seconds(1));
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerTest, AnUnauthenticatedClientRecoversByItself) {
  MakeSyncer(Fast());
  for (int i = 0; i < 100; ++i) ObserveRunning(HostId{absl::StrCat("hv", i)});
  sink_.SetAll(v1::WRITE_OUTCOME_UNAUTHENTICATED);
  PassWindow();
  for (int minute = 0; minute < 60; ++minute) Pass(absl::Minutes(1));
  EXPECT_EQ(syncer_->Status(HostId{"hv99"}).state(), v1::SYNC_STATE_PENDING);
  EXPECT_NE(syncer_->Status(HostId{"hv99"}).last_error(), "");

  // Somebody sets the clock right.
  sink_.SetAll(v1::WRITE_OUTCOME_UNSPECIFIED);
  Pass(absl::Minutes(1));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(State(HostId{absl::StrCat("hv", i)}), v1::SYNC_STATE_SYNCED) << i;
  }
}

TEST_F(SyncerTest, AServerThatIsDownGetsOneProbeAtATime) {
  MakeSyncer(Fast());
  sink_.SetAll(v1::WRITE_OUTCOME_RETRY);
  for (int i = 0; i < 1000; ++i) ObserveRunning(HostId{absl::StrCat("hv", i)});
  PassWindow();
  EXPECT_LE(Writes(), 8u);

  // Ten minutes of it, looked at every 100 ms.
  for (int i = 0; i < 6000; ++i) Pass(absl::Milliseconds(100));
  EXPECT_GE(Writes(), 20u);  // at least every 30 s
  EXPECT_LE(Writes(), 60u);

  // Held probe: nothing goes beside it.
  sink_.Hold();
  Pass(absl::Seconds(31));
  Pass(absl::Seconds(31));
  EXPECT_EQ(sink_.in_flight(), 1);

  // Back: all are written at once.
  sink_.SetAll(v1::WRITE_OUTCOME_UNSPECIFIED);
  sink_.Release();
  Pass(absl::ZeroDuration());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(State(HostId{absl::StrCat("hv", i)}), v1::SYNC_STATE_SYNCED) << i;
  }
}

TEST_F(SyncerTest, AServerThatIsBackIsFoundSoonAndThenNobodyWaits) {
  constexpr int kHosts = 4;
  for (int i = 0; i < kHosts; ++i)
    ObserveRunning(HostId{absl::StrCat("hv", i)});
  sink_.SetAll(v1::WRITE_OUTCOME_RETRY);
  for (int i = 0; i < 3600; ++i) Pass(absl::Seconds(1));

  sink_.SetAll(v1::WRITE_OUTCOME_UNSPECIFIED);
  int synced = 0;
  for (int i = 0; i < 31 && synced == 0; ++i) {
    Pass(absl::Seconds(1));
    for (int host = 0; host < kHosts; ++host) {
      const HostId id{absl::StrCat("hv", host)};
      if (State(id) == v1::SYNC_STATE_SYNCED) ++synced;
    }
  }
  EXPECT_EQ(synced, kHosts);
}

TEST_F(SyncerTest, AServerThatIsBackEndsTheWaitsOfAll) {
  SyncFleet();
  // One host's wait has grown to minutes.
  for (int i = 0; i < 20; ++i) {
    sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  }
  ObserveRunning();
  PassWindow();
  for (int i = 0; i < 12; ++i) Pass(kRetryMax);
  // Then the server goes down, and comes back.
  sink_.SetAll(v1::WRITE_OUTCOME_RETRY);
  for (int i = 2; i < 5; ++i) ObserveRunning(HostId{absl::StrCat("hv", i)});
  PassWindow();
  sink_.SetAll(v1::WRITE_OUTCOME_UNSPECIFIED);
  const size_t writes = sink_.updates(kHost.node).size();
  Pass(kRetryMin);
  EXPECT_EQ(State(HostId{"hv2"}), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(sink_.updates(kHost.node).size(), writes + 1);
}

TEST_F(SyncerTest, ASickHostHurtsOnlyItself) {
  SyncFleet();
  const HostId sick{"sick"};
  sink_.Script(sick.node, v1::WRITE_OUTCOME_RETRY);
  ObserveRunning(sick);
  PassWindow();
  for (int i = 0; i < 20; ++i) {
    sink_.Script(sick.node, v1::WRITE_OUTCOME_RETRY);
    Pass(kRetryMax);
  }
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(State(sick), v1::SYNC_STATE_PENDING);
}

TEST_F(SyncerTest, AThousandDirtyHostsStayWithinRateAndConcurrency) {
  Syncer::Options options = Quiet();
  options.limits.requests_per_second = 100;
  options.limits.request_burst = 40;
  options.limits.max_in_flight = 8;
  MakeSyncer(options);
  for (int i = 0; i < 1000; ++i) ObserveRunning(HostId{absl::StrCat("hv", i)});
  clock_.Advance(kWindow);

  const absl::Duration begin = clock_.Uptime();
  while (Writes() < 1000) {
    // Calls take a moment, so that they overlap.
    sink_.Hold();
    const absl::Duration next = syncer_->Tick();
    ASSERT_LE(sink_.in_flight(), 8);
    const double elapsed = absl::ToDoubleSeconds(clock_.Uptime() - begin);
    ASSERT_LE(2.0 * Writes(), 40 + 100 * elapsed + 1e-6);
    clock_.Advance(absl::Milliseconds(5));
    sink_.Release();
    if (next < absl::InfiniteDuration() && next > clock_.Uptime()) {
      clock_.Advance(next - clock_.Uptime());
    }
  }
  EXPECT_EQ(sink_.max_in_flight(), 8);
  // And it used what it may: 1960 requests after the burst, at 100 a second.
  EXPECT_LE(clock_.Uptime() - begin, absl::Seconds(21));
}

TEST_F(SyncerTest, ChecksThatWriteNothingCostOneRequestEach) {
  Syncer::Options options = Quiet();
  options.limits.requests_per_second = 1;
  options.limits.request_burst = 10;
  MakeSyncer(options);
  sink_.SetAll(v1::WRITE_OUTCOME_UNCHANGED);
  for (int i = 0; i < 20; ++i) ObserveRunning(HostId{absl::StrCat("hv", i)});
  PassWindow();
  // The last needs two in the bucket before it begins.
  EXPECT_EQ(Writes(), 9u);
}

}  // namespace
}  // namespace rehai
