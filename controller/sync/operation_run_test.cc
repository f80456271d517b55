// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/operation_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "controller/sync/resync_plan.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kWallStart = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kStart = absl::Seconds(100);

v1::Operation Planned(int hosts, v1::ResyncStartRequest request) {
  if (request.modes().empty()) {
    request.add_modes(v1::RESYNC_MODE_REREAD);
    request.add_modes(v1::RESYNC_MODE_REWRITE);
  }
  v1::Operation operation =
      PlanResync(request, ResyncDefaults(), kWallStart).value();
  operation.set_id("rs-1");
  for (int i = 0; i < hosts; ++i) {
    v1::HostResult& host = *operation.add_hosts();
    host.set_node(absl::StrCat("hv", i));
    host.set_progress(v1::HOST_PROGRESS_WAITING);
  }
  return operation;
}

v1::ResyncStartRequest AtOnce(int hosts) {
  v1::ResyncStartRequest request;
  request.mutable_pace()->set_hosts_at_once(hosts);
  return request;
}

// A run, and the time that passes for it.
struct Timed {
  explicit Timed(v1::Operation operation)
      : run(std::move(operation), kStart, kWallStart) {}

  std::vector<int> Advance() {
    std::vector<int> begun;
    for (const OperationRun::Step step :
         run.Advance(now, Wall(),
                     [&](const std::string& node) { return node != stale; })) {
      begun.push_back(step.host);
    }
    return begun;
  }
  std::optional<OperationRun::Step> End(int host, v1::HostProgress progress,
                                        HostEnding ending = {}) {
    return run.OnEnding({host, progress}, std::move(ending), now, Wall());
  }
  // Both steps, well.
  void Do(int host) {
    End(host, v1::HOST_PROGRESS_READING);
    End(host, v1::HOST_PROGRESS_WRITING, {v1::HOST_OUTCOME_WRITTEN});
  }
  absl::Time Wall() const { return kWallStart + (now - kStart); }
  std::vector<v1::HostOutcome> Outcomes() const {
    std::vector<v1::HostOutcome> outcomes;
    const v1::Operation whole = run.Since(0, now);
    for (const v1::HostResult& host : whole.hosts()) {
      outcomes.push_back(host.outcome());
    }
    return outcomes;
  }

  OperationRun run;
  absl::Duration now = kStart;
  std::string stale;
};

TEST(OperationRunTest, AHostGoesThroughItsStepsAndEnds) {
  Timed t(Planned(1, {}));
  EXPECT_THAT(t.Advance(), ElementsAre(0));
  const auto next = t.End(0, v1::HOST_PROGRESS_READING);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->progress, v1::HOST_PROGRESS_WRITING);
  EXPECT_FALSE(t.run.ended());
  // What is said of a step that is over changes nothing.
  EXPECT_FALSE(
      t.End(0, v1::HOST_PROGRESS_READING, {v1::HOST_OUTCOME_UNREACHABLE})
          .has_value());
  EXPECT_FALSE(t.End(0, v1::HOST_PROGRESS_WRITING).has_value());
  EXPECT_TRUE(t.run.ended());
  EXPECT_EQ(t.run.operation().state(), v1::OPERATION_STATE_ENDED);
  EXPECT_THAT(t.Outcomes(), ElementsAre(v1::HOST_OUTCOME_UNCHANGED));
  EXPECT_THAT(t.Advance(), IsEmpty());
  EXPECT_EQ(t.run.next_due(), absl::InfiniteDuration());
}

TEST(OperationRunTest, BeginsInOrderSoManyAtOnce) {
  Timed t(Planned(4, AtOnce(2)));
  EXPECT_THAT(t.Advance(), ElementsAre(0, 1));
  EXPECT_THAT(t.Advance(), IsEmpty());
  t.Do(1);
  EXPECT_THAT(t.Advance(), ElementsAre(2));
  const v1::ResyncProgress progress = t.run.Summary(t.now).progress();
  EXPECT_EQ(progress.waiting(), 1);
  EXPECT_EQ(progress.under_way(), 2);
  EXPECT_EQ(progress.done(), 1);
}

TEST(OperationRunTest, KeepsToItsRateAndMakesUpForALittleOnly) {
  v1::ResyncStartRequest request;
  request.mutable_pace()->set_hosts_per_second(20);
  Timed t(Planned(100, request));
  EXPECT_THAT(t.Advance(), ElementsAre(0));
  EXPECT_EQ(t.run.next_due(), kStart + absl::Milliseconds(50));
  t.now += absl::Milliseconds(120);  // the thread was late
  EXPECT_THAT(t.Advance(), ElementsAre(1, 2));
  t.now += absl::Seconds(10);
  EXPECT_THAT(t.Advance(), ElementsAre(3, 4, 5));
  EXPECT_GT(t.run.next_due(), t.now);
}

TEST(OperationRunTest, APauseEndsBeginningAndNotDeadlines) {
  Timed t(Planned(2, AtOnce(1)));
  t.Advance();
  t.run.Pause();
  const int64_t paused = t.run.version();
  t.run.Pause();
  EXPECT_EQ(t.run.version(), paused);  // is so already
  t.now += absl::Minutes(2);
  EXPECT_THAT(t.Advance(), IsEmpty());
  EXPECT_THAT(t.Outcomes(), ElementsAre(v1::HOST_OUTCOME_TIMED_OUT,
                                        v1::HOST_OUTCOME_UNSPECIFIED));
  EXPECT_FALSE(t.run.Summary(t.now).progress().has_remaining());
  t.run.Resume(t.now);
  EXPECT_EQ(t.run.next_due(), t.now);
  EXPECT_THAT(t.Advance(), ElementsAre(1));
}

TEST(OperationRunTest, ACancelLeavesWhatIsUnderWay) {
  Timed t(Planned(3, AtOnce(1)));
  t.Advance();
  t.run.Pause();
  t.run.Cancel(t.now, t.Wall());
  EXPECT_EQ(t.run.operation().state(), v1::OPERATION_STATE_RUNNING);
  EXPECT_FALSE(t.run.ended());
  t.run.Pause();  // there is nothing to pause any more
  EXPECT_EQ(t.run.operation().state(), v1::OPERATION_STATE_RUNNING);
  t.Do(0);
  EXPECT_TRUE(t.run.ended());
  EXPECT_THAT(t.Outcomes(),
              ElementsAre(v1::HOST_OUTCOME_WRITTEN, v1::HOST_OUTCOME_CANCELED,
                          v1::HOST_OUTCOME_CANCELED));
}

TEST(OperationRunTest, ItsDeadlineEndsEveryHost) {
  v1::ResyncStartRequest request = AtOnce(1);
  request.mutable_timeout()->set_seconds(60);
  Timed t(Planned(3, request));
  t.Advance();
  t.Do(0);
  t.Advance();
  EXPECT_EQ(t.run.next_due(), kStart + absl::Seconds(60));
  t.now += absl::Seconds(60);
  EXPECT_THAT(t.Advance(), IsEmpty());
  EXPECT_TRUE(t.run.ended());
  EXPECT_THAT(t.Outcomes(),
              ElementsAre(v1::HOST_OUTCOME_WRITTEN, v1::HOST_OUTCOME_TIMED_OUT,
                          v1::HOST_OUTCOME_TIMED_OUT));
  EXPECT_THAT(t.run.Since(0, t.now).hosts(2).error(), HasSubstr("rs-1"));
}

TEST(OperationRunTest, WhoHasSeenAVersionIsToldWhatHasChangedSince) {
  Timed t(Planned(3, {}));
  const int64_t first = t.run.version();
  EXPECT_EQ(t.run.Since(0, t.now).hosts_size(), 3);
  EXPECT_EQ(t.run.Since(first, t.now).hosts_size(), 0);
  t.Advance();
  const int64_t begun = t.run.version();
  EXPECT_EQ(t.run.Since(first, t.now).hosts_size(), 3);
  t.End(1, v1::HOST_PROGRESS_READING);
  EXPECT_EQ(t.run.state_version(), first);
  const v1::Operation change = t.run.Since(begun, t.now);
  ASSERT_EQ(change.hosts_size(), 1);
  EXPECT_EQ(change.hosts(0).node(), "hv1");
  EXPECT_EQ(change.total(), 3);
  t.run.Pause();
  EXPECT_EQ(t.run.state_version(), t.run.version());
}

TEST(OperationRunTest, ARestoredOneGoesOnWithWhatWasNotDone) {
  Timed before(Planned(3, AtOnce(2)));
  before.Advance();
  before.Do(0);
  before.End(1, v1::HOST_PROGRESS_READING);
  before.Advance();
  before.now += absl::Minutes(1);

  Timed after(v1::Operation{});
  after.now = absl::Seconds(5);  // another machine's
  after.run =
      OperationRun::Restored(before.run.Since(0, before.now), after.now,
                             before.Wall(), /*grace=*/absl::Seconds(30));
  EXPECT_EQ(after.run.operation().done(), 1);
  after.stale = "hv1";
  EXPECT_THAT(after.Advance(), ElementsAre(2));
  EXPECT_EQ(after.run.next_due(), after.now + absl::Seconds(1));
  after.now += absl::Seconds(30);
  EXPECT_THAT(after.Advance(), ElementsAre(1));
  EXPECT_EQ(after.run.Summary(after.now).progress().outcomes(0).hosts(), 1);
  // Only what was ended since counts here.
  EXPECT_EQ(after.run.ended_here()[v1::HOST_OUTCOME_WRITTEN], 0);
}

TEST(OperationRunTest, ARestoredOneHasTheDeadlineThatItHad) {
  v1::ResyncStartRequest request;
  request.mutable_timeout()->set_seconds(60);
  OperationRun run = OperationRun::Restored(
      Planned(1, request), /*now=*/absl::Seconds(5),
      kWallStart + absl::Seconds(50), /*grace=*/absl::ZeroDuration());
  run.Pause();
  run.Advance(absl::Seconds(5), kWallStart + absl::Seconds(50),
              [](const std::string&) { return true; });
  EXPECT_EQ(run.next_due(), absl::Seconds(15));
}

TEST(OperationRunTest, ADryRunWithoutLooksIsToldAtOnce) {
  v1::ResyncStartRequest request = AtOnce(1);
  request.set_dry_run(true);
  request.add_modes(v1::RESYNC_MODE_REREAD);
  Timed t(Planned(3, request));
  EXPECT_THAT(t.Advance(), IsEmpty());
  EXPECT_TRUE(t.run.ended());
  EXPECT_THAT(t.Outcomes(), ElementsAre(v1::HOST_OUTCOME_WOULD_READ,
                                        v1::HOST_OUTCOME_WOULD_READ,
                                        v1::HOST_OUTCOME_WOULD_READ));
}

}  // namespace
}  // namespace rehai
