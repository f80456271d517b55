// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/syncer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "tests/fakes/fake_sink.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using RewriteResult = absl::StatusOr<chef::WriteResult>;

const HostId kHost{"hv1"};
constexpr absl::Duration kWindow = absl::Milliseconds(200);
constexpr absl::Duration kRetryMin = absl::Seconds(1);
constexpr absl::Duration kRetryMax = absl::Minutes(5);

// An inventory, a syncer on a clock that stands still, and a fake Chef. The
// tests step the syncer by hand.
class SyncerTest : public testing::Test {
 protected:
  SyncerTest() { MakeSyncer({}); }

  ~SyncerTest() override {
    sink_.Release();
    if (syncer_ != nullptr) syncer_->Stop();
  }

  static Syncer::Options Fast() {
    Syncer::Options options;
    options.limits.requests_per_second = 1000;
    options.limits.request_burst = 10000;
    options.limits.max_in_flight = 1000;
    return options;
  }

  void MakeSyncer(Syncer::Options options) {
    options.window = kWindow;
    options.retry = {.min = kRetryMin, .max = kRetryMax, .factor = 2};
    syncer_.reset();
    inventory_ = std::make_unique<Inventory>(clock_);
    syncer_ = std::make_unique<Syncer>(options, *inventory_, sink_, clock_);
    inventory_->AddListener(
        [this](const Change& change) { syncer_->OnChange(change); });
  }

  // A source sees the host with one guest in this state. Makes the host known.
  void Observe(const HostId& host, v1::GuestState state) {
    if (inventory_->Find(host) == nullptr) inventory_->AddHost(host, {});
    v1::Observation observation;
    observation.set_node(host.node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    observation.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
    observation.mutable_provenance()->set_origin("test:///default");
    observation.mutable_facts()->set_hostname(host.node);
    v1::Guest& guest = *observation.add_guests();
    // One UUID per host: a guest lives in one place.
    guest.set_uuid(absl::StrCat(
        "11111111-1111-1111-1111-",
        absl::Hex(std::hash<std::string>()(host.node) & 0xffffffffffff,
                  absl::kZeroPad12)));
    guest.set_name("web01");
    guest.set_state(state);
    ASSERT_THAT(inventory_->Observe(observation), IsOk());
  }
  void ObserveRunning(const HostId& host = kHost) {
    Observe(host, v1::GUEST_STATE_RUNNING);
  }
  void ObserveShutOff(const HostId& host = kHost) {
    Observe(host, v1::GUEST_STATE_SHUT_OFF);
  }

  void Pass(absl::Duration time) {
    clock_.Advance(time);
    syncer_->Tick();
  }
  void PassWindow() { Pass(kWindow); }

  // The host is written, and Chef holds it.
  void Sync(const HostId& host = kHost) {
    ObserveRunning(host);
    PassWindow();
    ASSERT_EQ(State(host), v1::SYNC_STATE_SYNCED);
  }

  // Other hosts are written, so that one in trouble is not the whole fleet.
  void SyncFleet() {
    for (const char* node : {"other1", "other2", "other3"}) Sync(HostId{node});
  }

  v1::SyncState State(const HostId& host = kHost) {
    return syncer_->Status(host).state();
  }
  Revision RevisionOf(const HostId& host = kHost) {
    return inventory_->Find(host)->revision();
  }
  size_t Writes() { return sink_.write_count(); }

  // Collects what Rewrite() answers.
  Syncer::RewriteDone Collect() {
    return [this](RewriteResult result) {
      rewrites_.push_back(std::move(result));
    };
  }

  FakeClock clock_;
  FakeSink sink_{clock_};
  std::unique_ptr<Inventory> inventory_;
  std::unique_ptr<Syncer> syncer_;
  std::vector<RewriteResult> rewrites_;
  int64_t sequence_ = 0;
};

// Writing.

TEST_F(SyncerTest, WritesAChangeAfterItsWindow) {
  ObserveRunning();
  Pass(kWindow - absl::Milliseconds(1));
  EXPECT_EQ(Writes(), 0u);
  EXPECT_EQ(State(), v1::SYNC_STATE_PENDING);
  EXPECT_EQ(syncer_->Status(kHost).pending_revision(), RevisionOf());

  Pass(absl::Milliseconds(1));
  ASSERT_EQ(Writes(), 1u);
  const chef::NodeUpdate update = sink_.updates()[0];
  EXPECT_EQ(update.node, kHost.node);
  EXPECT_EQ(update.stamp.revision, RevisionOf());
  EXPECT_EQ(update.stamp.source, "pull test:///default");

  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(status.applied_digest(), update.rendering.digest);
  EXPECT_EQ(status.applied_revision(), RevisionOf());
  EXPECT_EQ(status.pending_revision(), 0);
  EXPECT_EQ(status.last_outcome(), v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(status.last_error(), "");
  EXPECT_EQ(status.written_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(status.verified_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_FALSE(status.has_next_try_at());
}

TEST_F(SyncerTest, TickSaysWhenItIsNeededNext) {
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());
  ObserveRunning();
  EXPECT_EQ(syncer_->Tick(), clock_.Uptime() + kWindow);
}

TEST_F(SyncerTest, ABurstOfChangesInAWindowIsOneWriteOfTheNewest) {
  for (int i = 0; i < 500; ++i) {
    ObserveRunning();
    ObserveShutOff();
    syncer_->Tick();
  }
  PassWindow();
  ASSERT_EQ(Writes(), 1u);
  EXPECT_EQ(sink_.updates()[0].stamp.revision, RevisionOf());
}

TEST_F(SyncerTest, AHostThatNeverRestsIsWrittenOncePerWindow) {
  // The window is counted from the first change, so changes cannot put it off.
  for (int i = 0; i < 100; ++i) {
    i % 2 == 0 ? ObserveRunning() : ObserveShutOff();
    Pass(absl::Milliseconds(30));  // an odd number of changes in each window
  }
  EXPECT_EQ(Writes(), 14u);  // 3 s, at 200 ms rounded up to the next 30
}

TEST_F(SyncerTest, AChangeDuringAWriteIsWrittenAfterIt) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  ObserveShutOff();
  PassWindow();
  ASSERT_EQ(Writes(), 1u);

  sink_.Release();
  EXPECT_EQ(State(), v1::SYNC_STATE_PENDING);
  syncer_->Tick();
  ASSERT_EQ(Writes(), 2u);
  EXPECT_EQ(sink_.updates()[1].stamp.revision, RevisionOf());
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
}

TEST_F(SyncerTest, AConfirmedRenderingIsNotWrittenAgain) {
  Sync();
  ObserveShutOff();
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(Writes(), 1u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  // What Chef confirmed is what the newer revision means.
  EXPECT_EQ(syncer_->Status(kHost).applied_revision(), RevisionOf());
}

TEST_F(SyncerTest, AHostThatFallsSilentStaysInChef) {
  Sync();
  v1::Condition unreachable;
  unreachable.set_type("Unreachable");
  for (const v1::Presence presence :
       {v1::PRESENCE_STALE, v1::PRESENCE_UNKNOWN}) {
    ASSERT_THAT(inventory_->SetPresence(kHost, presence, unreachable), IsOk());
    PassWindow();
  }
  EXPECT_EQ(Writes(), 1u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerTest, NothingObservedNothingWritten) {
  inventory_->AddHost(kHost, {{"rack", "b2"}});
  PassWindow();
  EXPECT_EQ(Writes(), 0u);
  EXPECT_EQ(State(), v1::SYNC_STATE_NOTHING_OBSERVED);
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());
}

TEST_F(SyncerTest, UnchangedOnTheServerIsConfirmedButNotWritten) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_UNCHANGED);
  Sync();
  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_TRUE(status.has_verified_at());
  EXPECT_FALSE(status.has_written_at());
  EXPECT_EQ(status.last_outcome(), v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerTest, ARemovedHostIsForgotten) {
  Sync();
  inventory_->RemoveHost(kHost);
  PassWindow();
  EXPECT_EQ(State(), v1::SYNC_STATE_UNSPECIFIED);
  EXPECT_EQ(syncer_->Tick(), absl::InfiniteDuration());

  // What Chef held is forgotten too: a host that comes back is checked.
  ObserveRunning();
  PassWindow();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerTest,
       AHostThatLeavesAndReturnsDuringItsWriteIsNotWrittenTwiceAtOnce) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  inventory_->RemoveHost(kHost);
  PassWindow();
  ObserveShutOff();
  PassWindow();
  EXPECT_EQ(sink_.in_flight(), 1);
  sink_.Release();
  PassWindow();
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(sink_.updates().back().stamp.revision, RevisionOf());
}

// Failing.

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
  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
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

// Keeping within bounds.

TEST_F(SyncerTest, AThousandDirtyHostsStayWithinRateAndConcurrency) {
  Syncer::Options options;
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
  Syncer::Options options;
  options.limits.requests_per_second = 1;
  options.limits.request_burst = 10;
  MakeSyncer(options);
  sink_.SetAll(v1::WRITE_OUTCOME_UNCHANGED);
  for (int i = 0; i < 20; ++i) ObserveRunning(HostId{absl::StrCat("hv", i)});
  PassWindow();
  // The last needs two in the bucket before it begins.
  EXPECT_EQ(Writes(), 9u);
}

// Rewriting.

TEST_F(SyncerTest, RewriteChecksWhatChefConfirmed) {
  Sync();
  sink_.Clobber(kHost.node);
  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  ASSERT_THAT(rewrites_, SizeIs(1));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_WRITTEN);

  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  ASSERT_THAT(rewrites_, SizeIs(2));
  EXPECT_EQ(rewrites_[1]->outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerTest, RewriteDoesNotWaitForWindowOrRetry) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  ObserveRunning();
  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 1u);
  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  ASSERT_THAT(rewrites_, SizeIs(2));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_EQ(rewrites_[1]->outcome, v1::WRITE_OUTCOME_WRITTEN);
}

TEST_F(SyncerTest, RewritesOfOneHostShareATry) {
  Sync();
  for (int i = 0; i < 10; ++i) syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  EXPECT_THAT(rewrites_, SizeIs(10));
}

TEST_F(SyncerTest, RewriteDuringAWriteGetsATryOfItsOwnAfterIt) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 1u);
  sink_.Release();
  EXPECT_THAT(rewrites_, IsEmpty());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  ASSERT_THAT(rewrites_, SizeIs(1));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerTest, RewriteOfAnUnknownHostIsNotFound) {
  syncer_->Rewrite(kHost, Collect());
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kNotFound,
                                              HasSubstr("hv1"))));
}

TEST_F(SyncerTest, RewriteWithNothingObservedIsAFailedPrecondition) {
  inventory_->AddHost(kHost, {});
  syncer_->Rewrite(kHost, Collect());
  EXPECT_THAT(rewrites_,
              ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("hv1"))));
}

TEST_F(SyncerTest, RewriteOfAHostThatLeavesIsNotFound) {
  Sync();
  syncer_->Rewrite(kHost, Collect());
  inventory_->RemoveHost(kHost);
  syncer_->Tick();
  PassWindow();
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerTest, RewriteIsCancelledAtShutdown) {
  Sync();
  syncer_->Rewrite(kHost, Collect());
  syncer_->Stop();
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
  syncer_->Rewrite(kHost, Collect());
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kCancelled),
                                     StatusIs(absl::StatusCode::kCancelled)));
}

// Showing.

TEST_F(SyncerTest, DiffAnswersWhatAWriteWouldChange) {
  ObserveRunning();
  sink_.SetDifferences({{"automatic.rehai.guests", "", "{}"}});
  std::string path;
  syncer_->Diff(kHost, [&](auto differences) {
    ASSERT_THAT(differences, IsOk());
    path = differences->at(0).path;
  });
  syncer_->Tick();
  EXPECT_EQ(path, "automatic.rehai.guests");
  EXPECT_EQ(Writes(), 0u);
}

TEST_F(SyncerTest, DiffErrorsAreThoseOfRewrite) {
  std::vector<absl::StatusCode> codes;
  const auto collect = [&codes](auto result) {
    codes.push_back(result.status().code());
  };
  syncer_->Diff(kHost, collect);
  inventory_->AddHost(kHost, {});
  syncer_->Diff(kHost, collect);
  ObserveRunning();
  syncer_->Diff(kHost, collect);
  syncer_->Stop();
  syncer_->Diff(kHost, collect);
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kNotFound,
                                 absl::StatusCode::kFailedPrecondition,
                                 absl::StatusCode::kCancelled,
                                 absl::StatusCode::kCancelled));
}

TEST_F(SyncerTest, ADiffKeepsWithinTheConcurrency) {
  Syncer::Options options;
  options.limits.max_in_flight = 1;
  MakeSyncer(options);
  ObserveRunning();
  sink_.Hold();
  int answers = 0;
  for (int i = 0; i < 3; ++i) {
    syncer_->Diff(kHost, [&](auto) { ++answers; });
  }
  PassWindow();
  EXPECT_EQ(sink_.in_flight(), 1);
  sink_.Release();
  syncer_->Tick();
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(sink_.max_in_flight(), 1);
}

TEST_F(SyncerTest, ADryRunShowsEachRenderingOnceAndConfirmsNothing) {
  Syncer::Options options;
  options.dry_run = true;
  MakeSyncer(options);
  chef::WriteResult would_write;
  would_write.outcome = v1::WRITE_OUTCOME_WOULD_WRITE;
  would_write.differences.assign(100, {"automatic.rehai", "1", "2"});
  sink_.Script(kHost.node, would_write);
  testing::internal::CaptureStderr();
  ObserveRunning();
  PassWindow();
  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_DRY_RUN);
  EXPECT_EQ(status.applied_digest(), "");
  EXPECT_EQ(status.applied_revision(), 0);
  EXPECT_FALSE(status.has_written_at());

  // The same again is not compared again, and if asked for, not logged again.
  ASSERT_THAT(inventory_->SetPresence(kHost, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  PassWindow();
  EXPECT_EQ(Writes(), 1u);
  sink_.Script(kHost.node, would_write);
  syncer_->Rewrite(kHost, Collect());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  const std::string log = testing::internal::GetCapturedStderr();
  size_t lines = 0;
  for (size_t at = log.find("automatic.rehai"); at != std::string::npos;
       at = log.find("automatic.rehai", at + 1)) {
    ++lines;
  }
  EXPECT_EQ(lines, 50u);
  EXPECT_THAT(log, HasSubstr("paths=50"));
}

// With its thread.

class SyncerThreadTest : public SyncerTest {
 protected:
  // Lets fake time go by until `done`.
  template <typename Predicate>
  void PassUntil(Predicate done) {
    while (!done()) {
      clock_.Advance(absl::Milliseconds(50));
      std::this_thread::yield();
    }
  }
};

TEST_F(SyncerThreadTest, WritesByItself) {
  syncer_->Start();
  ObserveRunning();
  PassUntil([&] { return State() == v1::SYNC_STATE_SYNCED; });
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerThreadTest, StopWaitsForWritesUnderWay) {
  sink_.Hold();
  syncer_->Start();
  ObserveRunning();
  PassUntil([&] { return sink_.in_flight() == 1; });
  syncer_->Rewrite(kHost, Collect());  // waits for the next try
  std::atomic<bool> stopped = false;
  std::thread stopper([&] {
    syncer_->Stop();
    stopped = true;
  });
  // It is stopping, and has not returned.
  std::atomic<bool> refused = false;
  PassUntil([&] {
    syncer_->Diff(kHost, [&](auto result) {
      if (absl::IsCancelled(result.status())) refused = true;
    });
    return refused.load();
  });
  EXPECT_FALSE(stopped);
  sink_.Release();
  stopper.join();
  EXPECT_EQ(sink_.in_flight(), 0);
  EXPECT_EQ(Writes(), 1u);
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
}

TEST_F(SyncerThreadTest, EveryRewriteIsAnsweredOnceWhateverHappens) {
  MakeSyncer(Fast());
  constexpr int kHosts = 20;
  constexpr int kRounds = 200;
  const auto host = [](int i) {
    return HostId{absl::StrCat("hv", i % kHosts)};
  };
  for (int i = 0; i < kHosts; ++i) ObserveRunning(host(i));
  syncer_->Start();

  std::vector<std::atomic<int>> answers(4 * kRounds);
  std::atomic<bool> done = false;
  std::thread weather([&] {
    for (int i = 0; !done; ++i) {
      sink_.Hold();
      sink_.Script(host(i).node, v1::WRITE_OUTCOME_RETRY);
      sink_.Script(host(i + 1).node, v1::WRITE_OUTCOME_FORBIDDEN);
      clock_.Advance(absl::Milliseconds(500));
      std::this_thread::yield();
      sink_.Release();
    }
    sink_.Release();
  });
  std::thread comings([&] {
    for (int i = 0; i < kRounds; ++i) {
      inventory_->RemoveHost(host(3));
      ObserveShutOff(host(3));
      ObserveRunning(host(i));
    }
  });
  std::vector<std::thread> operators;
  for (int o = 0; o < 4; ++o) {
    operators.emplace_back([&, o] {
      for (int i = 0; i < kRounds; ++i) {
        syncer_->Rewrite(host(i + o), [&answer = answers[o * kRounds + i]](
                                          RewriteResult) { ++answer; });
      }
    });
  }
  for (std::thread& thread : operators) thread.join();
  comings.join();
  done = true;
  weather.join();
  syncer_->Stop();
  for (const std::atomic<int>& answer : answers) EXPECT_EQ(answer, 1);
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
}

}  // namespace
}  // namespace rehai
