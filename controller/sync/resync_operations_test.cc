// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/resync_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "tests/fakes/fake_sink.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::SizeIs;

using Modes = std::vector<v1::ResyncMode>;

const Modes kReread = {v1::RESYNC_MODE_REREAD};
const Modes kRewrite = {v1::RESYNC_MODE_REWRITE};
const Modes kOhai = {v1::RESYNC_MODE_OHAI};
const Modes kBoth = {v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE};
const v1::HostSelector kAll;

v1::HostSelector Nodes(const std::vector<std::string>& nodes) {
  v1::HostSelector selector;
  for (const std::string& node : nodes) selector.add_nodes(node);
  return selector;
}

std::vector<v1::HostOutcome> OutcomesOf(const v1::Operation& operation) {
  std::vector<v1::HostOutcome> outcomes;
  for (const v1::HostResult& host : operation.hosts()) {
    outcomes.push_back(host.outcome());
  }
  return outcomes;
}

// A fleet, a syncer on a fake Chef, and a source that answers rereads as told.
// The tests step both by hand.
class ResyncOperationsTest : public testing::Test {
 protected:
  ResyncOperationsTest() { MakeResyncs({}); }

  ~ResyncOperationsTest() override {
    sink_.Release();
    resyncs_.reset();
    syncer_.Stop();
  }

  void MakeResyncs(ResyncOperations::Options options) {
    resyncs_ = std::make_unique<ResyncOperations>(
        options, inventory_, syncer_,
        [this](const HostId& host, auto done) {
          Reread(host, std::move(done));
        },
        clock_,
        [this](const HostId& host, const std::vector<std::string>& plugins,
               auto done) {
          plugins_ = plugins;
          ohai_runs_.emplace(host.node, std::move(done));
          max_ohai_runs_ = std::max(max_ohai_runs_, ohai_runs_.size());
        });
    resyncs_->AddListener(
        [this](const std::string& id) { heard_.push_back(id); });
    resyncs_->AddKeeper([this](v1::Operation operation) {
      ++keeps_;
      const std::string id = operation.id();
      kept_[id] = std::move(operation);
    });
  }

  static Syncer::Options SyncerOptions() {
    Syncer::Options options;
    options.sweep_interval = absl::ZeroDuration();
    options.limits.request_burst = 1000;
    options.limits.max_in_flight = 100;
    return options;
  }

  // The source's side.
  void Reread(const HostId& host, absl::AnyInvocable<void(absl::Status)> done) {
    rereads_.push_back(host.node);
    if (holding_rereads_) {
      held_rereads_.emplace(host.node, std::move(done));
      max_held_ = std::max(max_held_, held_rereads_.size());
      return;
    }
    done(reread_status_);
  }
  void AnswerReread(const std::string& node, absl::Status status) {
    auto held = held_rereads_.extract(node);
    ASSERT_FALSE(held.empty()) << node;
    held.mapped()(std::move(status));
    Step();
  }

  // The agent's side.
  void AnswerOhai(const std::string& node,
                  absl::StatusOr<v1::OhaiResult> result) {
    auto run = ohai_runs_.extract(node);
    ASSERT_FALSE(run.empty()) << node;
    run.mapped()(std::move(result));
    Step();
  }
  void AnswerOhai(const std::string& node, const std::string& json) {
    v1::OhaiResult result;
    result.set_json(json);
    result.set_whole(true);
    AnswerOhai(node, std::move(result));
  }

  void AddHosts(int count) {
    for (int i = 0; i < count; ++i) AddHost(absl::StrCat("hv", i));
  }
  void AddHost(const std::string& node) {
    inventory_.AddHost(HostId{node}, {{"name", node}});
    v1::Observation observation;
    observation.set_node(node);
    observation.set_session(1);
    observation.set_sequence(1);
    observation.set_full(true);
    observation.mutable_provenance()->set_origin("test:///default");
    observation.mutable_facts()->set_hostname(node);
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }

  // What the last run of the controller knew of it.
  void RestoreHost(const std::string& node) {
    KeptRecord kept;
    kept.record.set_node(node);
    kept.record.mutable_provenance()->set_origin("test:///default");
    kept.record.mutable_facts()->set_hostname(node);
    inventory_.Restore({std::move(kept)}, 1000);
  }

  void SetPlaces(int max_in_flight) {
    v1::ChefLimits limits;
    limits.set_max_in_flight(max_in_flight);
    ASSERT_THAT(syncer_.SetLimits(limits), IsOk());
  }

  // Lets everything happen that can happen without time passing.
  void Step() {
    resyncs_->Tick();
    syncer_.Tick();
    resyncs_->Tick();
    syncer_.Tick();
    resyncs_->Tick();
  }

  // A rewrite of a node that was confirmed waits a moment for others.
  void PassRewriteWindow() {
    clock_.Advance(RewriteBatch::kWindow);
    Step();
  }

  std::string Begin(const v1::HostSelector& selector, const Modes& modes) {
    const absl::StatusOr<v1::Operation> operation =
        resyncs_->Begin(selector, modes);
    EXPECT_THAT(operation, IsOk());
    return operation.ok() ? operation->id() : "";
  }
  v1::Operation Get(const std::string& id) {
    const absl::StatusOr<v1::Operation> operation = resyncs_->Get(id);
    EXPECT_THAT(operation, IsOk());
    return operation.value_or(v1::Operation());
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  FakeSink sink_{clock_};
  Syncer syncer_{SyncerOptions(), inventory_, sink_, clock_};
  std::unique_ptr<ResyncOperations> resyncs_;

  absl::Status reread_status_;
  bool holding_rereads_ = false;
  std::vector<std::string> rereads_;
  std::multimap<std::string, absl::AnyInvocable<void(absl::Status)>>
      held_rereads_;
  size_t max_held_ = 0;
  std::vector<std::string> plugins_;
  std::multimap<std::string,
                absl::AnyInvocable<void(absl::StatusOr<v1::OhaiResult>)>>
      ohai_runs_;
  size_t max_ohai_runs_ = 0;
  std::vector<std::string> heard_;
  std::map<std::string, v1::Operation> kept_;  // the newest of each
  int keeps_ = 0;
};

TEST_F(ResyncOperationsTest, BeginsWithEveryHostWaiting) {
  AddHosts(3);
  const absl::StatusOr<v1::Operation> operation = resyncs_->Begin(kAll, kBoth);
  ASSERT_THAT(operation, IsOk());
  EXPECT_THAT(operation->id(),
              MatchesRegex("rs-20261124-[0-9]{6}-[0-9a-f]{8}"));
  EXPECT_THAT(operation->modes(),
              ElementsAre(v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE));
  EXPECT_EQ(operation->total(), 3);
  EXPECT_EQ(operation->done(), 0);
  EXPECT_TRUE(operation->has_started_at());
  EXPECT_FALSE(operation->has_ended_at());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(operation->hosts(i).node(), absl::StrCat("hv", i));
    EXPECT_EQ(operation->hosts(i).progress(), v1::HOST_PROGRESS_WAITING);
  }
}

TEST_F(ResyncOperationsTest, RefusesWhatItCannotDo) {
  EXPECT_THAT(resyncs_->Begin(kAll, kReread),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  AddHosts(1);
  EXPECT_THAT(resyncs_->Begin(kAll, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(resyncs_->Begin(kAll, {v1::RESYNC_MODE_UNSPECIFIED}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(resyncs_->Begin(Nodes({"hv0", "hv9"}), kReread),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
  EXPECT_THAT(resyncs_->Get("rs-1"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("rs-1")));
  EXPECT_THAT(resyncs_->Cancel("rs-1"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ResyncOperationsTest, RereadAloneReadsAndDoesNotWrite) {
  AddHosts(2);
  const std::string id = Begin(kAll, kReread);
  Step();
  EXPECT_THAT(rereads_, ElementsAre("hv0", "hv1"));
  EXPECT_EQ(sink_.write_count(), 0u);
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_UNCHANGED));
  EXPECT_TRUE(Get(id).has_ended_at());
}

TEST_F(ResyncOperationsTest, RewriteAloneWritesAndDoesNotRead) {
  AddHosts(2);
  sink_.Script("hv1", v1::WRITE_OUTCOME_UNCHANGED);
  const std::string id = Begin(kAll, kRewrite);
  Step();
  EXPECT_THAT(rereads_, IsEmpty());
  EXPECT_EQ(sink_.write_count(), 2u);
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITTEN,
                                               v1::HOST_OUTCOME_UNCHANGED));
}

TEST_F(ResyncOperationsTest, BothReadFirstThenWriteWhateverTheOrderAskedFor) {
  AddHosts(1);
  holding_rereads_ = true;
  const std::string id =
      Begin(kAll, {v1::RESYNC_MODE_REWRITE, v1::RESYNC_MODE_REREAD});
  Step();
  EXPECT_EQ(Get(id).hosts(0).progress(), v1::HOST_PROGRESS_READING);
  EXPECT_EQ(sink_.write_count(), 0u);

  sink_.Hold();
  AnswerReread("hv0", absl::OkStatus());
  EXPECT_EQ(Get(id).hosts(0).progress(), v1::HOST_PROGRESS_WRITING);
  EXPECT_EQ(sink_.write_count(), 1u);

  sink_.Release();
  Step();
  const v1::Operation ended = Get(id);
  EXPECT_EQ(ended.hosts(0).progress(), v1::HOST_PROGRESS_DONE);
  EXPECT_THAT(OutcomesOf(ended), ElementsAre(v1::HOST_OUTCOME_WRITTEN));
  EXPECT_EQ(ended.done(), 1);
}

TEST_F(ResyncOperationsTest, AHostThatCouldNotBeReadIsNotWritten) {
  AddHosts(1);
  reread_status_ = absl::UnavailableError("host hv0: refused");
  const std::string id = Begin(kAll, kBoth);
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_UNREACHABLE));
  EXPECT_THAT(Get(id).hosts(0).error(), HasSubstr("refused"));
  EXPECT_EQ(sink_.write_count(), 0u);
}

TEST_F(ResyncOperationsTest, AFailedWriteSaysWhy) {
  AddHosts(2);
  sink_.Script("hv0", v1::WRITE_OUTCOME_FORBIDDEN);
  chef::WriteResult would_write;
  would_write.outcome = v1::WRITE_OUTCOME_WOULD_WRITE;
  would_write.differences.resize(3);
  sink_.Script("hv1", would_write);
  const std::string id = Begin(kAll, kRewrite);
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITE_FAILED,
                                               v1::HOST_OUTCOME_WOULD_WRITE));
  EXPECT_THAT(Get(id).hosts(0).error(), HasSubstr("FORBIDDEN"));
  EXPECT_THAT(Get(id).hosts(1).error(), HasSubstr("sync.dry_run"));
  EXPECT_EQ(Get(id).hosts(1).differing_paths(), 3);
}

TEST_F(ResyncOperationsTest, AHostThatLeavesIsRemoved) {
  AddHosts(2);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kBoth);
  Step();
  inventory_.RemoveHost(HostId{"hv0"});
  AnswerReread("hv0", absl::NotFoundError("host hv0: not in the fleet"));
  // This one leaves between its read and its write.
  inventory_.RemoveHost(HostId{"hv1"});
  AnswerReread("hv1", absl::OkStatus());
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_REMOVED));
}

TEST_F(ResyncOperationsTest, AHostNeverObservedCannotBeWritten) {
  inventory_.AddHost(HostId{"hv0"}, {});
  const std::string id = Begin(kAll, kRewrite);
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITE_FAILED));
  EXPECT_THAT(Get(id).hosts(0).error(), HasSubstr("observed"));
}

TEST_F(ResyncOperationsTest, AHostInDoubtIsNotWrittenAndSaysWhy) {
  AddHosts(1);
  v1::Condition doubt;
  doubt.set_type("DuplicateHostUuid");
  doubt.set_message("it answers as hv1 does");
  ASSERT_THAT(inventory_.SetCondition(HostId{"hv0"}, doubt), IsOk());
  const std::string id = Begin(kAll, kRewrite);
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITE_FAILED));
  EXPECT_THAT(
      Get(id).hosts(0).error(),
      AllOf(HasSubstr("DuplicateHostUuid"), HasSubstr("answers as hv1 does")));
  EXPECT_EQ(sink_.write_count(), 0u);
}

TEST_F(ResyncOperationsTest, BeginsSoManyHostsAtOnce) {
  MakeResyncs({.defaults = {.hosts_at_once = 4}});
  AddHosts(20);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kReread);
  Step();
  EXPECT_EQ(held_rereads_.size(), 4u);
  while (!held_rereads_.empty()) {
    AnswerReread(held_rereads_.begin()->first, absl::OkStatus());
  }
  EXPECT_EQ(max_held_, 4u);
  EXPECT_EQ(rereads_.size(), 20u);
  EXPECT_TRUE(Get(id).has_ended_at());
}

TEST_F(ResyncOperationsTest, EachHostHasItsOwnDeadlineFromItsBegin) {
  MakeResyncs(
      {.defaults = {.hosts_at_once = 1, .host_timeout = absl::Seconds(10)}});
  AddHosts(2);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kReread);
  EXPECT_EQ(resyncs_->Tick(), clock_.Uptime() + absl::Seconds(10));

  clock_.Advance(absl::Seconds(9));
  Step();
  EXPECT_EQ(Get(id).done(), 0);
  clock_.Advance(absl::Seconds(1));
  Step();
  EXPECT_EQ(Get(id).hosts(0).outcome(), v1::HOST_OUTCOME_TIMED_OUT);
  EXPECT_THAT(Get(id).hosts(0).error(), HasSubstr("hv0"));
  // Its place is free.
  EXPECT_EQ(Get(id).hosts(1).progress(), v1::HOST_PROGRESS_READING);
  clock_.Advance(absl::Seconds(9));
  Step();
  EXPECT_EQ(Get(id).done(), 1);
  clock_.Advance(absl::Seconds(1));
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_TIMED_OUT));
  EXPECT_TRUE(Get(id).has_ended_at());
}

TEST_F(ResyncOperationsTest, TheDeadlineCoversReadAndWrite) {
  MakeResyncs({.defaults = {.host_timeout = absl::Seconds(10)}});
  AddHosts(1);
  holding_rereads_ = true;
  sink_.Hold();
  const std::string id = Begin(kAll, kBoth);
  Step();
  clock_.Advance(absl::Seconds(6));
  AnswerReread("hv0", absl::OkStatus());
  clock_.Advance(absl::Seconds(4));
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_TIMED_OUT));
}

TEST_F(ResyncOperationsTest, AnAnswerAfterTheDeadlineChangesNothing) {
  MakeResyncs(
      {.defaults = {.hosts_at_once = 1, .host_timeout = absl::Seconds(10)}});
  AddHosts(2);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kBoth);
  Step();
  clock_.Advance(absl::Seconds(10));
  Step();
  // While the operation still runs,
  AnswerReread("hv0", absl::OkStatus());
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_TIMED_OUT,
                                               v1::HOST_OUTCOME_UNSPECIFIED));
  EXPECT_EQ(Get(id).hosts(0).progress(), v1::HOST_PROGRESS_DONE);
  EXPECT_EQ(Get(id).done(), 1);
  // and when it has ended.
  clock_.Advance(absl::Seconds(10));
  Step();
  const v1::Operation ended = Get(id);
  EXPECT_TRUE(ended.has_ended_at());
  AnswerReread("hv1", absl::OkStatus());
  EXPECT_THAT(Get(id), EqualsProto(ended));
  EXPECT_EQ(sink_.write_count(), 0u);
}

TEST_F(ResyncOperationsTest, TwoOperationsThatMeetAreBothServed) {
  AddHosts(1);
  holding_rereads_ = true;
  const std::string first = Begin(kAll, kBoth);
  const std::string second = Begin(Nodes({"hv0"}), kBoth);
  EXPECT_NE(first, second);
  Step();
  EXPECT_EQ(held_rereads_.size(), 2u);
  AnswerReread("hv0", absl::OkStatus());
  AnswerReread("hv0", absl::OkStatus());
  PassRewriteWindow();
  EXPECT_TRUE(Get(first).has_ended_at());
  EXPECT_TRUE(Get(second).has_ended_at());
  EXPECT_EQ(rereads_.size(), 2u);
}

// Promise 5: a rewrite of N unchanged nodes is one search per 1,000.
TEST_F(ResyncOperationsTest, ARewriteOfAFleetInPlaceIsOneSearch) {
  constexpr int kHosts = 300;
  AddHosts(kHosts);
  Begin(kAll, kRewrite);
  for (int i = 0; i < 20; ++i) PassRewriteWindow();
  ASSERT_EQ(sink_.write_count(), static_cast<size_t>(kHosts));
  clock_.Advance(absl::Minutes(1));

  const std::string id = Begin(kAll, kRewrite);
  for (int i = 0; i < 20; ++i) PassRewriteWindow();
  const v1::Operation ended = Get(id);
  EXPECT_TRUE(ended.has_ended_at());
  EXPECT_THAT(OutcomesOf(ended), Each(v1::HOST_OUTCOME_UNCHANGED));
  EXPECT_EQ(sink_.search_requests(), 1);
  EXPECT_EQ(sink_.write_count(), static_cast<size_t>(kHosts));
}

TEST_F(ResyncOperationsTest, ARepairedNodeIsWritten) {
  AddHosts(1);
  Begin(kAll, kRewrite);
  Step();
  sink_.Clobber("hv0");
  const std::string id = Begin(kAll, kRewrite);
  Step();
  PassRewriteWindow();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITTEN));
}

TEST_F(ResyncOperationsTest, CancelLeavesAloneWhatWasNotBegun) {
  MakeResyncs({.defaults = {.hosts_at_once = 2}});
  AddHosts(5);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kBoth);
  Step();
  const absl::StatusOr<v1::Operation> canceled = resyncs_->Cancel(id);
  ASSERT_THAT(canceled, IsOk());
  EXPECT_TRUE(canceled->canceled());
  EXPECT_EQ(canceled->done(), 3);
  EXPECT_FALSE(canceled->has_ended_at());

  // Those under way finish, writing included.
  AnswerReread("hv0", absl::OkStatus());
  AnswerReread("hv1", absl::OkStatus());
  EXPECT_THAT(OutcomesOf(Get(id)),
              ElementsAre(v1::HOST_OUTCOME_WRITTEN, v1::HOST_OUTCOME_WRITTEN,
                          v1::HOST_OUTCOME_CANCELED, v1::HOST_OUTCOME_CANCELED,
                          v1::HOST_OUTCOME_CANCELED));
  EXPECT_EQ(rereads_.size(), 2u);

  // Once more changes nothing.
  const v1::Operation ended = Get(id);
  EXPECT_THAT(*resyncs_->Cancel(id), EqualsProto(ended));
}

TEST_F(ResyncOperationsTest, CancelBeforeTheFirstHostEndsIt) {
  AddHosts(2);
  const std::string id = Begin(kAll, kBoth);
  ASSERT_THAT(resyncs_->Cancel(id), IsOk());
  EXPECT_TRUE(Get(id).has_ended_at());
  Step();
  EXPECT_THAT(rereads_, IsEmpty());
  EXPECT_THAT(heard_, Contains(id));
}

TEST_F(ResyncOperationsTest, AnswersMayComeWhenItIsGone) {
  AddHosts(1);
  holding_rereads_ = true;
  Begin(kAll, kBoth);
  Step();
  resyncs_.reset();
  held_rereads_.begin()->second(absl::OkStatus());
  EXPECT_EQ(sink_.write_count(), 0u);
  MakeResyncs({});
}

TEST_F(ResyncOperationsTest, RemembersSoManyEndedOperations) {
  MakeResyncs({.kept = 2});
  AddHosts(1);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(Begin(kAll, kReread));
    clock_.Advance(absl::Seconds(1));
    Step();
  }
  EXPECT_THAT(resyncs_->Get(ids[0]), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(resyncs_->Get(ids[1]), IsOk());
  EXPECT_THAT(resyncs_->Get(ids[2]), IsOk());
}

TEST_F(ResyncOperationsTest, RunsSoManyOperationsAtOnce) {
  MakeResyncs({.running = 2});
  AddHosts(1);
  holding_rereads_ = true;
  Begin(kAll, kReread);
  Begin(kAll, kReread);
  Step();
  EXPECT_THAT(resyncs_->Begin(kAll, kReread),
              StatusIs(absl::StatusCode::kResourceExhausted));
  AnswerReread("hv0", absl::OkStatus());
  EXPECT_THAT(resyncs_->Begin(kAll, kReread), IsOk());
}

TEST_F(ResyncOperationsTest, ListenersHearOfEachStep) {
  AddHosts(1);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kBoth);
  EXPECT_THAT(heard_, IsEmpty());
  resyncs_->Tick();
  EXPECT_THAT(heard_, ElementsAre(id));  // reading
  sink_.Hold();
  AnswerReread("hv0", absl::OkStatus());
  EXPECT_THAT(heard_, ElementsAre(id, id));  // writing
  sink_.Release();
  Step();
  EXPECT_THAT(heard_, ElementsAre(id, id, id));  // done
}

// ---- Ohai ----

TEST_F(ResyncOperationsTest, OhaiIsRunThenWritten) {
  AddHosts(2);
  const std::string id = Begin(Nodes({"hv0"}), kOhai);
  EXPECT_THAT(Get(id).modes(), ElementsAre(v1::RESYNC_MODE_OHAI));
  Step();
  EXPECT_EQ(Get(id).hosts(0).progress(), v1::HOST_PROGRESS_RUNNING_OHAI);
  EXPECT_THAT(plugins_, IsEmpty());
  sink_.Hold();
  AnswerOhai("hv0", R"({"uptime":"7"})");
  EXPECT_EQ(Get(id).hosts(0).progress(), v1::HOST_PROGRESS_WRITING);
  sink_.Release();
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITTEN));
  EXPECT_THAT(sink_.ohai("hv0"), ElementsAre(Pair("uptime", "\"7\"")));
  EXPECT_EQ(sink_.write_count(), 1u);
  EXPECT_THAT(rereads_, IsEmpty());

  const std::string again = Begin(Nodes({"hv0"}), kOhai);
  Step();
  AnswerOhai("hv0", R"({"uptime":"7"})");
  EXPECT_THAT(OutcomesOf(Get(again)), ElementsAre(v1::HOST_OUTCOME_UNCHANGED));
}

TEST_F(ResyncOperationsTest, OhaiGoesAloneAndPluginsWithItOnly) {
  AddHosts(1);
  for (const v1::ResyncMode other :
       {v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE}) {
    EXPECT_THAT(resyncs_->Begin(kAll, {other, v1::RESYNC_MODE_OHAI}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("OHAI goes alone")));
    EXPECT_THAT(
        resyncs_->Begin(kAll, {other}, {"network"}),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("plugins")));
  }
}

TEST_F(ResyncOperationsTest, PluginsAreNamesAndNoFlags) {
  AddHosts(1);
  for (const std::string& plugin :
       {std::string(), std::string("--directory=/tmp"), std::string("a b"),
        std::string("a\nb"), std::string(101, 'a')}) {
    EXPECT_THAT(resyncs_->Begin(kAll, kOhai, {"network", plugin}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << plugin;
  }
  EXPECT_THAT(
      resyncs_->Begin(kAll, kOhai, std::vector<std::string>(101, "network")),
      StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_THAT(resyncs_->Begin(kAll, kOhai, {"network", "block_device"}),
              IsOk());
  Step();
  EXPECT_THAT(plugins_, ElementsAre("network", "block_device"));
}

TEST_F(ResyncOperationsTest, WhyOhaiWasNotRunIsTheOutcome) {
  AddHosts(6);
  const std::string id = Begin(kAll, kOhai);
  Step();
  AnswerOhai("hv0", absl::FailedPreconditionError("host hv0: no agent"));
  AnswerOhai("hv1", absl::UnavailableError("host hv1: its agent went away"));
  AnswerOhai("hv2", absl::DeadlineExceededError("host hv2: said nothing"));
  AnswerOhai("hv3", absl::ResourceExhaustedError("host hv3: too many"));
  v1::OhaiResult failed;
  failed.set_error("ohai: not found; install it");
  AnswerOhai("hv4", failed);
  AnswerOhai("hv5", std::string("nonsense"));
  const v1::Operation ended = Get(id);
  EXPECT_THAT(
      OutcomesOf(ended),
      ElementsAre(v1::HOST_OUTCOME_NO_AGENT, v1::HOST_OUTCOME_UNREACHABLE,
                  v1::HOST_OUTCOME_TIMED_OUT, v1::HOST_OUTCOME_OHAI_FAILED,
                  v1::HOST_OUTCOME_OHAI_FAILED, v1::HOST_OUTCOME_OHAI_FAILED));
  EXPECT_EQ(ended.hosts(0).error(), "host hv0: no agent");
  EXPECT_EQ(ended.hosts(4).error(), "ohai: not found; install it");
  EXPECT_THAT(ended.hosts(5).error(), HasSubstr("hv5"));
  EXPECT_EQ(sink_.write_count(), 0u);
}

TEST_F(ResyncOperationsTest, WithoutAgentsNoHostHasOne) {
  resyncs_ = std::make_unique<ResyncOperations>(
      ResyncOperations::Options(), inventory_, syncer_,
      [](const HostId&, auto) {}, clock_);
  AddHosts(2);
  const std::string id = Begin(kAll, kOhai);
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_NO_AGENT));
  EXPECT_THAT(Get(id).hosts(1).error(), HasSubstr("hv1"));
}

TEST_F(ResyncOperationsTest, AWriteOfOhaiThatFailsSaysWhy) {
  AddHosts(2);
  Begin(kAll, kRewrite);
  Step();
  const std::string id = Begin(kAll, kOhai);
  Step();
  sink_.Script("hv0", v1::WRITE_OUTCOME_TOO_LARGE);
  AnswerOhai("hv0", R"({"uptime":"7"})");
  // The fake's nodes were saved at 1000.
  AnswerOhai("hv1", R"({"uptime":"7","ohai_time":999})");
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_WRITE_FAILED));
  EXPECT_THAT(Get(id).hosts(0).error(), HasSubstr("TOO_LARGE"));
  EXPECT_THAT(Get(id).hosts(1).error(), HasSubstr("ohai_time"));
}

TEST_F(ResyncOperationsTest, OhaiHasPlacesAndADeadlineOfItsOwn) {
  MakeResyncs({.defaults = {.hosts_at_once = 20,
                            .host_timeout = absl::Seconds(10),
                            .ohai_hosts_at_once = 3,
                            .ohai_host_timeout = absl::Seconds(60)}});
  AddHosts(10);
  const std::string id = Begin(kAll, kOhai);
  Step();
  EXPECT_EQ(ohai_runs_.size(), 3u);
  while (ohai_runs_.size() > 1 || Get(id).done() < 8) {
    AnswerOhai(ohai_runs_.begin()->first, R"({"uptime":"7"})");
  }
  EXPECT_EQ(max_ohai_runs_, 3u);
  clock_.Advance(absl::Seconds(59));
  Step();
  EXPECT_FALSE(Get(id).has_ended_at());
  clock_.Advance(absl::Seconds(1));
  Step();
  EXPECT_TRUE(Get(id).has_ended_at());
  EXPECT_EQ(Get(id).hosts(9).outcome(), v1::HOST_OUTCOME_TIMED_OUT);
  EXPECT_THAT(Get(id).hosts(9).error(),
              AllOf(HasSubstr("hv9"), HasSubstr("Ohai")));
}

TEST_F(ResyncOperationsTest, OhaiThatAnswersTooLateIsNotWritten) {
  AddHosts(1);
  const std::string id = Begin(kAll, kOhai);
  Step();
  clock_.Advance(absl::Minutes(4));
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_TIMED_OUT));
  AnswerOhai("hv0", R"({"uptime":"7"})");
  EXPECT_EQ(sink_.write_count(), 0u);
}

TEST_F(ResyncOperationsTest, IdsSortByTime) {
  AddHosts(1);
  const std::string first = Begin(kAll, kReread);
  clock_.Advance(absl::Seconds(1));
  const std::string second = Begin(kAll, kReread);
  EXPECT_LT(first, second);
}

TEST_F(ResyncOperationsTest, AThousandHostsAnsweredAtOnceAllEnd) {
  AddHosts(1000);
  const std::string id = Begin(kAll, kReread);
  Step();
  EXPECT_EQ(Get(id).done(), 1000);
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_UNCHANGED));
}

TEST_F(ResyncOperationsTest, RunsByItself) {
  AddHosts(100);
  Mutex mu;
  CondVar ended;
  bool has_ended = false;
  resyncs_->AddListener([&](const std::string& id) {
    if (!resyncs_->Get(id)->has_ended_at()) return;
    MutexLock lock(mu);
    has_ended = true;
    ended.NotifyAll();
  });
  syncer_.Start();
  resyncs_->Start();
  const std::string id = Begin(kAll, kBoth);
  {
    MutexLock lock(mu);
    while (!has_ended) ended.Wait(mu);
  }
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_WRITTEN));
  resyncs_->Stop();
}

// ---- Pace, pause, and what is only looked at ----

TEST_F(ResyncOperationsTest, AVerifySaysWhatDiffersAndWritesNothing) {
  AddHosts(2);
  sink_.SetDifferences({{"automatic.rehai.revision", "1", "2"},
                        {"automatic.virtualization", "", "{}"}});
  const std::string id = Begin(kAll, {v1::RESYNC_MODE_VERIFY_ONLY});
  Step();
  const v1::Operation ended = Get(id);
  EXPECT_TRUE(ended.has_ended_at());
  EXPECT_THAT(OutcomesOf(ended), Each(v1::HOST_OUTCOME_DIFFERENT));
  EXPECT_EQ(ended.hosts(0).differing_paths(), 2);
  EXPECT_THAT(
      ended.hosts(0).first_differing_paths(),
      ElementsAre("automatic.rehai.revision", "automatic.virtualization"));
  EXPECT_EQ(sink_.write_count(), 0u);
  EXPECT_THAT(rereads_, IsEmpty());

  sink_.SetDifferences({});
  const std::string again = Begin(kAll, {v1::RESYNC_MODE_VERIFY_ONLY});
  Step();
  EXPECT_THAT(OutcomesOf(Get(again)), Each(v1::HOST_OUTCOME_IN_PLACE));
}

TEST_F(ResyncOperationsTest, AVerifyOfManyTakesTurnsWithWrites) {
  AddHosts(40);
  sink_.Hold();
  Begin(kAll, {v1::RESYNC_MODE_VERIFY_ONLY});
  resyncs_->Tick();
  for (int i = 0; i < 40; ++i) {
    const HostId host{absl::StrCat("hv", i)};
    syncer_.OnChange({host, inventory_.Find(host)->revision(), nullptr});
  }
  clock_.Advance(absl::Seconds(1));
  SetPlaces(8);
  syncer_.Tick();
  EXPECT_EQ(sink_.in_flight(), 8);
  EXPECT_EQ(sink_.write_count(), 4u);
}

TEST_F(ResyncOperationsTest, ADryRunTellsAndTouchesNothing) {
  AddHosts(2);
  sink_.SetDifferences({{"automatic.virtualization", "", "{}"}});
  v1::ResyncStartRequest request;
  request.set_dry_run(true);
  request.add_modes(v1::RESYNC_MODE_REREAD);
  request.add_modes(v1::RESYNC_MODE_REWRITE);
  const auto begun = resyncs_->Begin(request, "ops");
  ASSERT_THAT(begun, IsOk());
  EXPECT_TRUE(begun->operation.dry_run());
  Step();
  const v1::Operation ended = Get(begun->operation.id());
  EXPECT_THAT(OutcomesOf(ended), Each(v1::HOST_OUTCOME_WOULD_WRITE));
  EXPECT_EQ(ended.hosts(1).differing_paths(), 1);

  request.clear_modes();
  request.add_modes(v1::RESYNC_MODE_OHAI);
  const auto ohai = resyncs_->Begin(request, "ops");
  ASSERT_THAT(ohai, IsOk());
  Step();
  EXPECT_THAT(OutcomesOf(Get(ohai->operation.id())),
              Each(v1::HOST_OUTCOME_WOULD_RUN_OHAI));
  EXPECT_EQ(sink_.write_count(), 0u);
  EXPECT_THAT(rereads_, IsEmpty());
  EXPECT_THAT(ohai_runs_, IsEmpty());
}

TEST_F(ResyncOperationsTest, BeginsSoManyHostsASecond) {
  AddHosts(10);
  v1::ResyncStartRequest request;
  request.add_modes(v1::RESYNC_MODE_REREAD);
  request.mutable_pace()->set_hosts_per_second(2);
  const auto begun = resyncs_->Begin(request, "ops");
  ASSERT_THAT(begun, IsOk());
  EXPECT_EQ(resyncs_->Tick(), clock_.Uptime() + absl::Milliseconds(500));
  EXPECT_THAT(rereads_, SizeIs(1));
  clock_.Advance(absl::Milliseconds(499));
  resyncs_->Tick();
  EXPECT_THAT(rereads_, SizeIs(1));
  clock_.Advance(absl::Milliseconds(1));
  resyncs_->Tick();
  EXPECT_THAT(rereads_, SizeIs(2));
}

TEST_F(ResyncOperationsTest, APausedOneFinishesWhatIsUnderWayAndGoesOnLater) {
  MakeResyncs({.defaults = {.hosts_at_once = 1}});
  AddHosts(3);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kReread);
  Step();
  const auto paused = resyncs_->Pause(id);
  ASSERT_THAT(paused, IsOk());
  EXPECT_EQ(paused->state(), v1::OPERATION_STATE_PAUSED);
  AnswerReread("hv0", absl::OkStatus());
  EXPECT_EQ(Get(id).done(), 1);
  EXPECT_THAT(held_rereads_, IsEmpty());

  ASSERT_THAT(resyncs_->Resume(id), IsOk());
  Step();
  AnswerReread("hv1", absl::OkStatus());
  AnswerReread("hv2", absl::OkStatus());
  EXPECT_EQ(Get(id).state(), v1::OPERATION_STATE_ENDED);
  EXPECT_THAT(resyncs_->Pause(id),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(id)));
  EXPECT_THAT(resyncs_->Resume(id),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(resyncs_->Pause("rs-1"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ResyncOperationsTest, APausedOneCanBeCanceled) {
  MakeResyncs({.defaults = {.hosts_at_once = 1}});
  AddHosts(2);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kReread);
  Step();
  ASSERT_THAT(resyncs_->Pause(id), IsOk());
  ASSERT_THAT(resyncs_->Cancel(id), IsOk());
  AnswerReread("hv0", absl::OkStatus());
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_UNCHANGED,
                                               v1::HOST_OUTCOME_CANCELED));
}

// ---- Asked for once ----

v1::ResyncStartRequest Keyed(const std::string& key, v1::ResyncMode mode) {
  v1::ResyncStartRequest request;
  request.set_idempotency_key(key);
  request.add_modes(mode);
  return request;
}

TEST_F(ResyncOperationsTest, TheSameKeyIsTheSameOperation) {
  AddHosts(1);
  const auto first =
      resyncs_->Begin(Keyed("k1", v1::RESYNC_MODE_REREAD), "ops-1 at here");
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first->existed);
  EXPECT_EQ(first->operation.started_by(), "ops-1 at here");
  Step();
  // It has ended, and its host has left.
  inventory_.RemoveHost(HostId{"hv0"});
  const auto again =
      resyncs_->Begin(Keyed("k1", v1::RESYNC_MODE_REREAD), "ops-2");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->existed);
  EXPECT_EQ(again->operation.id(), first->operation.id());
  EXPECT_EQ(again->operation.started_by(), "ops-1 at here");
  EXPECT_THAT(rereads_, SizeIs(1));
}

TEST_F(ResyncOperationsTest, TheSameKeyForAnotherRequestIsRefused) {
  AddHosts(1);
  const auto first = resyncs_->Begin(Keyed("k1", v1::RESYNC_MODE_REREAD), "");
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(
      resyncs_->Begin(Keyed("k1", v1::RESYNC_MODE_REWRITE), ""),
      StatusIs(absl::StatusCode::kAlreadyExists,
               AllOf(HasSubstr(first->operation.id()), HasSubstr("modes"))));
  const auto other = resyncs_->Begin(Keyed("k2", v1::RESYNC_MODE_REWRITE), "");
  ASSERT_THAT(other, IsOk());
  EXPECT_NE(other->operation.id(), first->operation.id());
}

// ---- Over a restart ----

TEST_F(ResyncOperationsTest, StopLeavesWhatRunsToTheNextRun) {
  MakeResyncs({.defaults = {.hosts_at_once = 1}});
  AddHosts(3);
  holding_rereads_ = true;
  const std::string id = Begin(kAll, kReread);
  Step();
  AnswerReread("hv0", absl::UnavailableError("no route"));
  resyncs_->Stop();
  const v1::Operation kept = kept_[id];
  EXPECT_FALSE(kept.has_ended_at());
  EXPECT_EQ(kept.done(), 1);
  EXPECT_THAT(resyncs_->Begin(kAll, kReread),
              StatusIs(absl::StatusCode::kUnavailable));

  // The next run: the one that was under way is done again, that which was
  // done is not.
  MakeResyncs({.defaults = {.hosts_at_once = 1}});
  rereads_.clear();
  held_rereads_.clear();
  resyncs_->Restore({kept});
  clock_.Advance(absl::Minutes(1));  // no deadline of before counts
  Step();
  EXPECT_THAT(rereads_, ElementsAre("hv1"));
  EXPECT_EQ(Get(id).state(), v1::OPERATION_STATE_RUNNING);
  AnswerReread("hv1", absl::OkStatus());
  AnswerReread("hv2", absl::OkStatus());
  EXPECT_TRUE(Get(id).has_ended_at());
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_UNREACHABLE,
                                               v1::HOST_OUTCOME_UNCHANGED,
                                               v1::HOST_OUTCOME_UNCHANGED));
  EXPECT_THAT(heard_, Contains(id));
  EXPECT_TRUE(kept_[id].has_ended_at());
}

TEST_F(ResyncOperationsTest, APausedOneIsPausedAfterTheRestart) {
  AddHosts(2);
  const std::string id = Begin(kAll, kReread);
  ASSERT_THAT(resyncs_->Pause(id), IsOk());
  resyncs_->Stop();
  MakeResyncs({});
  resyncs_->Restore({kept_[id]});
  Step();
  EXPECT_THAT(rereads_, IsEmpty());
  EXPECT_EQ(Get(id).state(), v1::OPERATION_STATE_PAUSED);
  ASSERT_THAT(resyncs_->Resume(id), IsOk());
  Step();
  EXPECT_EQ(Get(id).state(), v1::OPERATION_STATE_ENDED);
}

TEST_F(ResyncOperationsTest, WhatHasEndedIsAsItWasAfterTheRestart) {
  AddHosts(1);
  const auto begun = resyncs_->Begin(Keyed("k1", v1::RESYNC_MODE_REREAD), "");
  ASSERT_THAT(begun, IsOk());
  Step();
  const v1::Operation before = Get(begun->operation.id());
  resyncs_->Stop();
  MakeResyncs({});
  heard_.clear();
  resyncs_->Restore({kept_[before.id()]});
  Step();
  EXPECT_THAT(Get(before.id()), EqualsProto(before));
  EXPECT_THAT(heard_, IsEmpty());
  const auto again = resyncs_->Begin(Keyed("k1", v1::RESYNC_MODE_REREAD), "");
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->existed);
}

// A host whose record is from before the restart is not written by it.
TEST_F(ResyncOperationsTest, AHostNotReadSinceTheRestartIsReadFirst) {
  AddHost("hv0");
  RestoreHost("hv1");
  const std::string id = Begin(kAll, kRewrite);
  holding_rereads_ = true;
  Step();
  EXPECT_THAT(rereads_, ElementsAre("hv1"));
  AddHost("hv1");  // the read, merged
  AnswerReread("hv1", absl::OkStatus());
  EXPECT_THAT(OutcomesOf(Get(id)), Each(v1::HOST_OUTCOME_WRITTEN));

  RestoreHost("hv2");
  const std::string unread = Begin(Nodes({"hv2"}), kRewrite);
  Step();
  AnswerReread("hv2", absl::UnavailableError("no route"));
  EXPECT_THAT(OutcomesOf(Get(unread)),
              ElementsAre(v1::HOST_OUTCOME_UNREACHABLE));
}

TEST_F(ResyncOperationsTest, AfterARestartHostsHaveAMomentToBeRead) {
  MakeResyncs({.restart_grace = absl::Seconds(30)});
  AddHost("hv0");
  AddHost("hv1");
  AddHost("hv2");
  const std::string id = Begin(kAll, kRewrite);
  ASSERT_THAT(resyncs_->Pause(id), IsOk());
  ASSERT_THAT(resyncs_->Resume(id), IsOk());
  resyncs_->Stop();
  for (const char* node : {"hv1", "hv2"}) {
    inventory_.RemoveHost(HostId{node});
    RestoreHost(node);
  }
  MakeResyncs({.restart_grace = absl::Seconds(30)});
  resyncs_->Restore({kept_[id]});
  Step();
  EXPECT_THAT(OutcomesOf(Get(id)), ElementsAre(v1::HOST_OUTCOME_WRITTEN,
                                               v1::HOST_OUTCOME_UNSPECIFIED,
                                               v1::HOST_OUTCOME_UNSPECIFIED));
  AddHost("hv1");  // it answers
  clock_.Advance(absl::Seconds(1));
  Step();
  EXPECT_EQ(Get(id).done(), 2);
  EXPECT_THAT(rereads_, IsEmpty());
  clock_.Advance(absl::Seconds(29));
  Step();
  EXPECT_THAT(rereads_, ElementsAre("hv2"));
}

TEST_F(ResyncOperationsTest, WhatItsHostsGetOnWithIsKeptNowAndThen) {
  MakeResyncs({.keep_interval = absl::Seconds(1)});
  AddHosts(100);
  holding_rereads_ = true;
  v1::ResyncStartRequest request;
  request.add_modes(v1::RESYNC_MODE_REREAD);
  request.mutable_pace()->set_hosts_at_once(100);
  const auto begun = resyncs_->Begin(request, "");
  ASSERT_THAT(begun, IsOk());
  Step();
  EXPECT_EQ(keeps_, 1);
  for (int i = 0; i < 50; ++i) {
    AnswerReread(absl::StrCat("hv", i), absl::OkStatus());
  }
  EXPECT_EQ(keeps_, 1);
  clock_.Advance(absl::Seconds(1));
  resyncs_->Tick();
  EXPECT_EQ(keeps_, 2);
  EXPECT_EQ(kept_[begun->operation.id()].done(), 50);
  ASSERT_THAT(resyncs_->Pause(begun->operation.id()), IsOk());
  resyncs_->Tick();
  EXPECT_EQ(keeps_, 3);  // at once
}

// ---- What is remembered ----

TEST_F(ResyncOperationsTest, ForgetsWhatEndedLongAgo) {
  MakeResyncs({.kept_for = absl::Hours(1)});
  AddHosts(1);
  const std::string old = Begin(kAll, kReread);
  Step();
  clock_.Advance(absl::Hours(1));
  Step();
  EXPECT_THAT(resyncs_->Get(old), IsOk());
  clock_.Advance(absl::Seconds(1));
  Step();
  EXPECT_THAT(resyncs_->Get(old), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(resyncs_->counts().hosts[v1::HOST_OUTCOME_UNCHANGED], 1);
}

TEST_F(ResyncOperationsTest, ListsTheNewestFirstByState) {
  AddHosts(1);
  const std::string ended = Begin(kAll, kReread);
  Step();
  holding_rereads_ = true;
  clock_.Advance(absl::Seconds(1));
  const std::string paused = Begin(kAll, kReread);
  ASSERT_THAT(resyncs_->Pause(paused), IsOk());
  clock_.Advance(absl::Seconds(1));
  const std::string running = Begin(kAll, kReread);
  Step();
  const auto ids = [&](const std::set<v1::OperationState>& states) {
    std::vector<std::string> ids;
    for (const v1::Operation& operation : resyncs_->List(states)) {
      EXPECT_EQ(operation.hosts_size(), 0);
      ids.push_back(operation.id());
    }
    return ids;
  };
  EXPECT_THAT(ids({}), ElementsAre(running, paused, ended));
  EXPECT_THAT(ids({v1::OPERATION_STATE_PAUSED, v1::OPERATION_STATE_ENDED}),
              ElementsAre(paused, ended));
  EXPECT_EQ(resyncs_->counts().operations[v1::OPERATION_STATE_RUNNING], 1);
}

}  // namespace
}  // namespace rehai
