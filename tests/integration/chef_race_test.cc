// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The race with chef-client (promise 4), on a real server: what a controller
// writes while chef-clients save over it, held against what the chef-clients
// themselves say they did.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "rehai/v1/chef.pb.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/chef_client_run.h"
#include "tests/lab/chef_client_saver.h"
#include "tests/lab/exact_json.h"
#include "tests/lab/race_fleet.h"
#include "tests/lab/race_log.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Property;

using lab::ChefClientRun;
using Kind = ChefClientRun::Kind;

constexpr absl::Duration kSweepInterval = absl::Seconds(1);
// What the proxy adds to each of the controller's writes.
constexpr absl::Duration kPutDelay = absl::Milliseconds(200);
// What a test machine that is busy with other things may add to a write.
constexpr absl::Duration kSlack = absl::Seconds(1);

int Count(const std::vector<ChefClientRun::Log>& runs, Kind kind) {
  return std::count_if(runs.begin(), runs.end(),
                       [&](const auto& run) { return run.plan.kind == kind; });
}

int64_t OverwritesBy(v1::Overwriter who, const v1::ChefStatus& status) {
  for (const v1::OverwriterCount& count : status.overwriters()) {
    if (count.overwriter() == who) return count.count();
  }
  return 0;
}

int64_t OutcomesOf(v1::WriteOutcome outcome, const v1::ChefStatus& status) {
  for (const v1::OutcomeCount& count : status.outcomes()) {
    if (count.outcome() == outcome) return count.count();
  }
  return 0;
}

class ChefRaceTest : public testing::Test {
 protected:
  void Start(lab::RaceFleet::Options options) {
    auto fleet = lab::RaceFleet::Start(std::move(options));
    ASSERT_THAT(fleet, IsOk());
    fleet_ = *std::move(fleet);
    front_end_ = std::make_unique<FrontEnd>(fleet_->controller().address());
    for (int i = 0; i < fleet_->size(); ++i) AwaitSynced(i);
  }

  void AwaitSynced(int i) {
    ASSERT_TRUE(
        Eventually([&] { return front_end_->SyncStatusOf(fleet_->node(i)); },
                   Property(&v1::SyncStatus::state, v1::SYNC_STATE_SYNCED)));
  }

  // All hosts' chef-clients run, and guests change, until each has had `runs`.
  void Race(int runs) {
    lab::ChefClientSaver saver({.hosts = fleet_->clients(),
                                .seed = 20261124,
                                .interval = absl::Seconds(3),
                                .splay = absl::Seconds(1),
                                .converge_min = absl::Milliseconds(50),
                                .converge_max = absl::Seconds(1),
                                .failed_share = 0.1,
                                .override_share = 0.1,
                                .secret_share = 0.3,
                                .runs_per_host = runs});
    for (int i = 0; !saver.AwaitEnd(absl::Milliseconds(250)); ++i) {
      ASSERT_LT(i, 1000) << "the chef-clients do not end";
      ASSERT_THAT(fleet_->ChangeGuest(i % fleet_->size()), IsOk());
    }
    runs_ = saver.Runs();
    for (const ChefClientRun::Log& run : runs_) {
      ASSERT_THAT(run.status, IsOk()) << run.node;
    }
    for (int i = 0; i < fleet_->size(); ++i) {
      AwaitShown(i);
      AwaitSynced(i);
    }
    const auto race =
        lab::JudgeRace(fleet_->first(), runs_, fleet_->proxy().Exchanges());
    ASSERT_THAT(race, IsOk());
    race_ = *race;
    const auto status = front_end_->ChefStatus();
    ASSERT_THAT(status, IsOk());
    status_ = *status;
    Tell();
  }

  v1::RunsStatus Runs() {
    return front_end_->ChefStatus().value_or(v1::ChefStatus()).runs();
  }

  // The node shows the guest as it is, and no guest that only Ohai knew.
  void AwaitShown(int i) {
    const auto shown = [&](const std::string& guest) {
      return ShownIn(Node(i), guest);
    };
    ASSERT_TRUE(Eventually(
        [&] { return shown("test"); },
        std::string(fleet_->guest_is_paused(i) ? kShownPaused : kShownRunning)))
        << fleet_->node(i);
    EXPECT_EQ(shown("ghost"), kShownNowhere);
  }

  std::string Node(int i) {
    return fleet_->chef().GetNode(fleet_->node(i)).value_or("");
  }

  // The last that its chef-client saved.
  std::string LastSaved(int i) const {
    std::string saved = fleet_->first().at(fleet_->node(i));
    for (const ChefClientRun::Log& run : runs_) {
      if (run.node == fleet_->node(i) && !run.saved.empty()) saved = run.saved;
    }
    return saved;
  }

  // Each save that stands is repaired within the sweep interval and one write,
  // for which `write` is enough.
  void ExpectRepairedBySweeps(absl::Duration write) const {
    for (const lab::Save& save : race_.saves) {
      if (save.rolled_back || save.perhaps_rolled_back) continue;
      const absl::Time deadline = save.end + kSweepInterval + write;
      if (save.superseded_at < deadline) continue;
      EXPECT_LE(save.repaired_at, deadline)
          << save.node << " " << save.ohai_time;
    }
  }

  int RolledBack() const {
    return std::count_if(race_.saves.begin(), race_.saves.end(),
                         [](const auto& save) { return save.rolled_back; });
  }
  int PerhapsRolledBack() const {
    return std::count_if(race_.saves.begin(), race_.saves.end(),
                         [](const auto& save) {
                           return !save.rolled_back && save.perhaps_rolled_back;
                         });
  }

  // How the race went, for who reads the log.
  void Tell() const {
    absl::Duration longest;
    for (const lab::Save& save : race_.saves) {
      if (save.repaired_at != absl::InfiniteFuture()) {
        longest = std::max(longest, save.repaired_at - save.end);
      }
    }
    std::cerr << runs_.size() << " runs, " << race_.saves.size() << " saves, "
              << race_.writes.size() << " writes; rolled back " << RolledBack()
              << ", perhaps " << PerhapsRolledBack()
              << "; repaired after at most " << longest << "\n"
              << status_.ShortDebugString() << "\n";
  }

  std::unique_ptr<lab::RaceFleet> fleet_;
  std::unique_ptr<FrontEnd> front_end_;
  std::vector<ChefClientRun::Log> runs_;
  lab::Race race_;
  v1::ChefStatus status_;
};

TEST_F(ChefRaceTest, WithSweepsEverySaveIsRepairedAndNothingForeignChanges) {
  Start({.sweep_interval = absl::FormatDuration(kSweepInterval)});

  Race(/*runs=*/4);

  EXPECT_THAT(race_.foreign_changes, IsEmpty());
  ExpectRepairedBySweeps(/*write=*/kSlack);
  // Each save that was repaired before the next came has been counted.
  const int64_t found = OverwritesBy(v1::OVERWRITER_CHEF_CLIENT, status_);
  EXPECT_LE(found, static_cast<int64_t>(race_.saves.size()));
  EXPECT_GE(found, std::count_if(race_.saves.begin(), race_.saves.end(),
                                 [](const lab::Save& save) {
                                   return save.repaired_at < save.superseded_at;
                                 }));
  EXPECT_EQ(OverwritesBy(v1::OVERWRITER_SOMEBODY, status_), 0);
  EXPECT_EQ(OutcomesOf(v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED, status_),
            found + OverwritesBy(v1::OVERWRITER_ROLLBACK, status_));
  EXPECT_THAT(status_.sweep().searches(), Gt(5));
}

TEST_F(ChefRaceTest, ASweepFindsASaveOfAQuietHostWithinItsInterval) {
  Start({.hosts = 1, .sweep_interval = absl::FormatDuration(kSweepInterval)});
  ChefClientRun run(fleet_->client(0), {.run_id = "r1"});
  run.Begin();
  run.Save();
  ASSERT_THAT(run.log().status, IsOk());

  AwaitShown(0);

  const auto race =
      lab::JudgeRace(fleet_->first(), {run.log()}, fleet_->proxy().Exchanges());
  ASSERT_THAT(race, IsOk());
  ASSERT_EQ(race->saves.size(), 1u);
  EXPECT_LE(race->saves[0].repaired_at,
            race->saves[0].end + kSweepInterval + kSlack);
  ASSERT_TRUE(Eventually([&] { return front_end_->SyncStatusOf("hv1"); },
                         AllOf(Property(&v1::SyncStatus::overwrites, 1),
                               Property(&v1::SyncStatus::last_overwriter,
                                        v1::OVERWRITER_CHEF_CLIENT))));
}

TEST_F(ChefRaceTest, WithoutMessagesNoMoreIsRolledBackThanTheWindowAllows) {
  Start({.put_delay = kPutDelay,
         .sweep_interval = absl::FormatDuration(kSweepInterval)});

  Race(/*runs=*/8);

  EXPECT_THAT(race_.foreign_changes, IsEmpty());
  ExpectRepairedBySweeps(/*write=*/kPutDelay + kSlack);
  // Each write rolls back a save with the odds that one of its host falls into
  // its window.
  absl::Duration open;
  for (const lab::Write& write : race_.writes) {
    open += write.end - write.read_at;
  }
  const absl::Duration raced =
      race_.saves.back().end - race_.saves.front().begin;
  const double expected =
      absl::FDivDuration(open, raced) * race_.saves.size() / fleet_->size();
  EXPECT_THAT(RolledBack(), Le(expected * 2 + 3)) << "expected " << expected;
  // Nothing tells of them, and the counters do not claim to know.
  EXPECT_EQ(status_.runs().rolled_back(), 0);
}

TEST_F(ChefRaceTest, WithMessagesEverySaveIsRepairedInASecondAndNoneIsLost) {
  Start({.put_delay = kPutDelay, .runs_report = true});

  Race(/*runs=*/8);

  EXPECT_THAT(race_.foreign_changes, IsEmpty());
  for (const lab::Save& save : race_.saves) {
    // What a restored node is built on is the save, so it counts as repaired;
    // it took two writes, and the proxy delays each.
    const absl::Duration delayed = (save.rolled_back ? 2 : 1) * kPutDelay;
    EXPECT_LE(save.repaired_at - save.end, absl::Seconds(1) + delayed)
        << save.node << " " << save.ohai_time
        << (save.rolled_back ? " was rolled back" : "");
  }
  for (int i = 0; i < fleet_->size(); ++i) {
    EXPECT_EQ(lab::ForeignPart(Node(i)).value_or("not JSON"),
              lab::ForeignPart(LastSaved(i)).value_or("not JSON either"))
        << fleet_->node(i);
    for (const ChefClientRun::Log& run : runs_) {
      if (run.node != fleet_->node(i) || run.saved.empty() ||
          run.plan.new_secret.empty()) {
        continue;
      }
      EXPECT_THAT(Node(i), testing::HasSubstr(run.plan.run_id));
    }
  }

  // Messages are answered first and looked at later.
  ASSERT_TRUE(Eventually([&] { return Runs().failed() + Runs().succeeded(); },
                         static_cast<int64_t>(runs_.size())));
  const v1::RunsStatus runs = Runs();
  EXPECT_EQ(runs.started(), static_cast<int64_t>(runs_.size()));
  EXPECT_EQ(runs.failed(), Count(runs_, Kind::kFailed));
  EXPECT_EQ(runs.succeeded(),
            Count(runs_, Kind::kGood) + Count(runs_, Kind::kOverride));
  EXPECT_EQ(runs.in_flight(), 0);
  // The proxy makes it happen.
  EXPECT_THAT(RolledBack(), Gt(0));
  EXPECT_THAT(runs.rolled_back(),
              AllOf(Ge(RolledBack()), Le(RolledBack() + PerhapsRolledBack())));
  EXPECT_EQ(runs.restored(), runs.rolled_back());
  // Each save either went over what we had written, or was rolled back.
  EXPECT_EQ(
      OverwritesBy(v1::OVERWRITER_CHEF_CLIENT, status_) + runs.rolled_back(),
      static_cast<int64_t>(race_.saves.size()));
}

// The same with every step in its place: our write waits at the proxy while a
// whole run of chef-client passes.
class RolledBackTest : public ChefRaceTest {
 protected:
  void SetUp() override { Start({.hosts = 1, .runs_report = true}); }

  // Our write has read the node and waits to replace it.
  void HoldOurWrite() {
    fleet_->proxy().Hold("PUT", "/nodes/hv1");
    ASSERT_THAT(fleet_->ChangeGuest(0), IsOk());
    ASSERT_TRUE(Eventually([&] { return fleet_->proxy().held(); }, 1));
  }
  // It goes on, and has replaced what there was.
  void ReleaseOurWrite() {
    fleet_->proxy().Release();
    AwaitShown(0);
  }

  std::string OhaiTime() { return lab::OhaiTimeOf(Node(0)); }
};

TEST_F(RolledBackTest, ASaveIsPutBackWhenItsMessageComesAfterOurWrite) {
  HoldOurWrite();
  ChefClientRun run(fleet_->client(0), {.run_id = "r1", .new_secret = "s1"});
  run.Begin();
  run.Save();
  ASSERT_EQ(OhaiTime(), run.log().ohai_time);
  ReleaseOurWrite();
  ASSERT_NE(OhaiTime(), run.log().ohai_time) << "nothing was rolled back";

  run.Report();

  ASSERT_TRUE(Eventually([&] { return OhaiTime(); }, run.log().ohai_time));
  EXPECT_EQ(lab::ForeignPart(Node(0)).value_or("not JSON"),
            lab::ForeignPart(run.log().saved).value_or("not JSON either"));
  AwaitShown(0);
  ASSERT_TRUE(Eventually([&] { return Runs(); },
                         AllOf(Property(&v1::RunsStatus::rolled_back, 1),
                               Property(&v1::RunsStatus::restored, 1))));
}

TEST_F(RolledBackTest, ASaveIsPutBackWhenItsMessageComesBeforeOurWriteEnds) {
  HoldOurWrite();
  ChefClientRun run(fleet_->client(0), {.run_id = "r1", .new_secret = "s1"});
  run.Begin();
  run.Save();
  run.Report();
  ASSERT_TRUE(run.log().end_reported);

  fleet_->proxy().Release();

  ASSERT_TRUE(Eventually([&] { return Runs(); },
                         Property(&v1::RunsStatus::restored, 1)));
  ASSERT_TRUE(Eventually([&] { return OhaiTime(); }, run.log().ohai_time));
  AwaitShown(0);
  EXPECT_EQ(lab::ForeignPart(Node(0)).value_or("not JSON"),
            lab::ForeignPart(run.log().saved).value_or("not JSON either"));
}

TEST_F(RolledBackTest, WhatAFailedOrAnOverrideRunReportsIsNeverSaved) {
  const std::string before = OhaiTime();
  for (const Kind kind : {Kind::kFailed, Kind::kOverride}) {
    HoldOurWrite();
    ChefClientRun run(
        fleet_->client(0),
        {.kind = kind, .run_id = kind == Kind::kFailed ? "r1" : "r2"});
    run.Begin();
    run.Save();
    run.Report();
    ASSERT_TRUE(run.log().end_reported);
    ReleaseOurWrite();
    // Another write, which would put it back if anything would.
    ASSERT_THAT(fleet_->ChangeGuest(0), IsOk());
    AwaitShown(0);
    AwaitSynced(0);
    EXPECT_EQ(OhaiTime(), before);
  }
  const auto status = front_end_->ChefStatus();
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->runs().failed(), 1);
  EXPECT_EQ(status->runs().succeeded(), 1);
  EXPECT_EQ(status->runs().rolled_back(), 0);
  EXPECT_EQ(status->runs().restored(), 0);
}

TEST_F(RolledBackTest, AnEditOfTheRunListSurvivesARestore) {
  HoldOurWrite();
  ChefClientRun run(fleet_->client(0), {.run_id = "r1"});
  run.Begin();
  run.Save();
  ReleaseOurWrite();
  auto edited = lab::ParseExactly(Node(0));
  ASSERT_THAT(edited, IsOk());
  (*edited)["run_list"] = {"recipe[edited]"};
  ASSERT_THAT(fleet_->chef().PutNode("hv1", lab::DumpExactly(*edited)), IsOk());

  run.Report();

  ASSERT_TRUE(Eventually([&] { return OhaiTime(); }, run.log().ohai_time));
  EXPECT_THAT(Node(0), testing::HasSubstr(R"("run_list":["recipe[edited]"])"));
}

}  // namespace
}  // namespace rehai::integration
