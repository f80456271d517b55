// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer tells of the server and of what it costs it, and races.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class SyncerStatusTest : public SyncerTest {
 protected:
  template <typename Causes>
  static std::map<v1::WriteCause, int64_t> CausesOf(const Causes& causes) {
    std::map<v1::WriteCause, int64_t> counts;
    for (const v1::CauseCount& cause : causes) {
      counts[cause.cause()] = cause.puts();
    }
    return counts;
  }
};

TEST_F(SyncerStatusTest, TellsOfTheServerAndOfWhatWasWrittenAndWhy) {
  Syncer::Options options = Fast();
  options.server_url = "https://chef.example.com";
  options.client_name = "rehai";
  MakeSyncer(options);
  Sync();
  ObserveShutOff();
  PassWindow();
  sink_.Clobber(kHost.node);
  Rewrite();
  sink_.Script("hv2", v1::WRITE_OUTCOME_FORBIDDEN);
  ObserveRunning(HostId{"hv2"});
  PassWindow();

  const v1::ChefStatus status = syncer_->ChefStatus();
  EXPECT_EQ(status.server_url(), "https://chef.example.com");
  EXPECT_EQ(status.client_name(), "rehai");
  EXPECT_EQ(status.state(), v1::SERVER_STATE_UP);
  EXPECT_EQ(status.error(), "");
  EXPECT_EQ(status.requests(), 7);
  EXPECT_EQ(status.dirty(), 1);
  EXPECT_EQ(status.parked(), 1);
  EXPECT_EQ(status.limits().max_in_flight(), 1000);
  EXPECT_EQ(status.sweep().method(), v1::SWEEP_METHOD_OFF);
  EXPECT_THAT(CausesOf(status.causes()),
              ElementsAre(Pair(v1::WRITE_CAUSE_CHANGE, 1),
                          Pair(v1::WRITE_CAUSE_REQUEST, 1),
                          Pair(v1::WRITE_CAUSE_DOUBT, 1)));
  ASSERT_EQ(status.overwriters_size(), 1);
  EXPECT_EQ(status.overwriters(0).count(), 1);
  std::map<v1::WriteOutcome, int64_t> outcomes;
  for (const v1::OutcomeCount& count : status.outcomes()) {
    outcomes[count.outcome()] = count.count();
  }
  EXPECT_THAT(outcomes,
              ElementsAre(Pair(v1::WRITE_OUTCOME_WRITTEN, 2),
                          Pair(v1::WRITE_OUTCOME_FORBIDDEN, 1),
                          Pair(v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED, 1)));
}

TEST_F(SyncerStatusTest, TellsByHowMuchTheServersClockIsOff) {
  chef::WriteResult result;
  result.outcome = v1::WRITE_OUTCOME_UNAUTHENTICATED;
  result.clock_offset = -absl::Seconds(1200);
  sink_.Script(kHost.node, result);
  EXPECT_FALSE(syncer_->ChefStatus().has_clock_offset());
  ObserveRunning();
  PassWindow();
  const v1::ChefStatus status = syncer_->ChefStatus();
  EXPECT_EQ(status.clock_offset().seconds(), -1200);
  EXPECT_EQ(status.state(), v1::SERVER_STATE_REFUSING);
  EXPECT_NE(status.error(), "");
}

TEST_F(SyncerStatusTest, ChangedLimitsHoldAtOnce) {
  v1::ChefLimits changes;
  changes.set_max_in_flight(1);
  const auto limits = syncer_->SetLimits(changes);
  ASSERT_THAT(limits, IsOk());
  EXPECT_EQ(limits->max_in_flight(), 1);
  EXPECT_EQ(limits->requests_per_second(), 50);
  EXPECT_EQ(syncer_->ChefStatus().limits().max_in_flight(), 1);

  sink_.Hold();
  ObserveRunning(HostId{"hv1"});
  ObserveRunning(HostId{"hv2"});
  PassWindow();
  EXPECT_EQ(sink_.in_flight(), 1);
}

TEST_F(SyncerStatusTest, LimitsOutOfRangeChangeNothing) {
  v1::ChefLimits changes;
  changes.set_max_in_flight(3);
  changes.set_server_share(2);
  EXPECT_THAT(
      syncer_->SetLimits(changes),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("server_share")));
  EXPECT_EQ(syncer_->ChefStatus().limits().max_in_flight(), 8);
}

TEST_F(SyncerStatusTest, CostTellsWhatANodeWeighsAndWhatItsPutsWereFor) {
  Sync();
  sink_.SetDocument(
      kHost.node,
      R"({"name":"hv1","automatic":{"rehai":{"digest":"abc"},"os":"linux"}})");
  absl::StatusOr<v1::ChefCostResponse> cost = absl::UnknownError("no answer");
  syncer_->Cost(kHost, [&](auto answer) { cost = std::move(answer); });
  syncer_->Tick();
  ASSERT_THAT(cost, IsOk());
  EXPECT_EQ(cost->node(), kHost.node);
  EXPECT_EQ(cost->node_bytes(), 66);
  EXPECT_EQ(cost->max_node_bytes(), 1'000'000);
  EXPECT_EQ(cost->our_bytes(), 16);
  EXPECT_GT(cost->paths_size(), 0);
  EXPECT_THAT(CausesOf(cost->causes()),
              ElementsAre(Pair(v1::WRITE_CAUSE_DOUBT, 1)));
}

TEST_F(SyncerStatusTest, CostErrors) {
  std::vector<absl::StatusCode> codes;
  const auto collect = [&codes](const auto& answer) {
    codes.push_back(answer.status().code());
  };
  syncer_->Cost(kHost, collect);
  syncer_->Tick();
  inventory_->AddHost(kHost, {});
  syncer_->Cost(kHost, collect);
  PassWindow();
  syncer_->Stop();
  syncer_->Cost(kHost, collect);
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kNotFound,
                                 absl::StatusCode::kNotFound,
                                 absl::StatusCode::kCancelled));
}

TEST_F(SyncerStatusTest, ALostRaceIsTriedAgainSoonAndThenAsAnyFailure) {
  ObserveRunning();
  for (int i = 0; i < 6; ++i) {
    sink_.Script(kHost.node, v1::WRITE_OUTCOME_LOST_RACE);
  }
  PassWindow();
  for (int i = 0; i < 5; ++i) {
    const absl::Duration wait = syncer_->Tick() - clock_.Uptime();
    EXPECT_GE(wait, absl::Milliseconds(100)) << i;
    EXPECT_LE(wait, absl::Milliseconds(500)) << i;
    Pass(wait);
  }
  EXPECT_EQ(Writes(), 6u);
  EXPECT_EQ(syncer_->ChefStatus().state(), v1::SERVER_STATE_UP);
  const absl::Duration wait = syncer_->Tick() - clock_.Uptime();
  EXPECT_GE(wait, kRetryMin / 2);
  Pass(wait);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
}

TEST_F(SyncerStatusTest, AnOverwriteCountsOnceHoweverOftenItsRepairFails) {
  Sync();
  sink_.Clobber(kHost.node);
  chef::WriteResult failed;
  failed.outcome = v1::WRITE_OUTCOME_RETRY;
  failed.overwriter = v1::OVERWRITER_CHEF_CLIENT;
  sink_.Script(kHost.node, failed);
  sink_.Script(kHost.node, failed);
  Rewrite();
  for (int i = 0; i < 5; ++i) Pass(absl::Seconds(10));
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(syncer_->Status(kHost).overwrites(), 1);
}

TEST_F(SyncerStatusTest, APutWhoseEndWasNotSeenIsNoOverwrite) {
  Sync();
  // It was carried out although no answer came.
  chef::WriteResult unseen;
  unseen.outcome = v1::WRITE_OUTCOME_RETRY;
  unseen.window_begin = unseen.window_end = clock_.Now();
  sink_.Script(kHost.node, unseen);
  ObserveShutOff();
  PassWindow();
  chef::NodeMarks carried_out = sink_.marks(kHost.node);
  carried_out.digest = sink_.updates().back().rendering.digest;
  sink_.SetMarks(kHost.node, carried_out);
  ObserveRunning();
  Pass(kRetryMin);
  EXPECT_EQ(State(), v1::SYNC_STATE_SYNCED);
  EXPECT_EQ(syncer_->Status(kHost).overwrites(), 0);
  EXPECT_THAT(syncer_->ChefStatus().overwriters(), IsEmpty());
}

}  // namespace
}  // namespace rehai
