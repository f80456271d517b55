// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "controller/inventory/inventory.h"
#include "rehai/v1/fleet.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Labels = std::map<std::string, std::string>;

class FleetWatchTest : public testing::Test {
 protected:
  FleetWatch Watch(const Labels& labels = {}, Revision after = 0) {
    v1::FleetWatchRequest request;
    request.mutable_selector()->mutable_labels()->insert(labels.begin(),
                                                         labels.end());
    request.set_after_revision(after);
    return FleetWatch(inventory_, request);
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
};

// All steps there are now, as "+node" (changed), "-node" (removed), "synced".
std::vector<std::string> Drain(FleetWatch& watch,
                               Revision* last_revision = nullptr) {
  std::vector<std::string> steps;
  while (true) {
    const absl::StatusOr<std::optional<FleetStep>> next = watch.Next();
    EXPECT_THAT(next, IsOk());
    if (!next.ok() || !next->has_value()) return steps;
    const FleetStep& step = **next;
    if (last_revision != nullptr) *last_revision = step.revision;
    switch (step.kind) {
      case v1::FleetWatchResponse::KIND_HOST_CHANGED:
        EXPECT_EQ(step.record->revision(), step.revision);
        steps.push_back(absl::StrCat("+", step.record->node()));
        break;
      case v1::FleetWatchResponse::KIND_HOST_REMOVED:
        steps.push_back(absl::StrCat("-", step.node));
        break;
      case v1::FleetWatchResponse::KIND_BOOKMARK:
        steps.push_back("bookmark");
        break;
      default:
        steps.push_back("synced");
    }
  }
}

TEST_F(FleetWatchTest, BeginsWithTheWholeStateThenSyncedThenChanges) {
  inventory_.AddHost({"a"}, {});
  inventory_.AddHost({"b"}, {});
  FleetWatch watch = Watch();
  EXPECT_THAT(Drain(watch), ElementsAre("+a", "+b", "synced"));

  inventory_.AddHost({"c"}, {});
  inventory_.RemoveHost({"a"});
  EXPECT_THAT(Drain(watch), ElementsAre("+c", "-a"));
  EXPECT_THAT(Drain(watch), ElementsAre());
}

TEST_F(FleetWatchTest, AnEmptyFleetIsSyncedAtOnce) {
  FleetWatch watch = Watch();
  EXPECT_THAT(Drain(watch), ElementsAre("synced"));
}

TEST_F(FleetWatchTest, AnyStepOfTheFirstStateIsOneToResumeAfter) {
  for (const char* node : {"d", "b", "a", "c"}) inventory_.AddHost({node}, {});
  FleetWatch whole = Watch();
  std::vector<std::string> seen;
  for (int steps = 0; steps < 2; ++steps) {
    const auto step = whole.Next();
    ASSERT_THAT(step, IsOk());
    seen.push_back((*step)->record->node());
    // What a watch resumed here is sent, and what was seen, are all hosts.
    FleetWatch resumed = Watch({}, (*step)->revision);
    std::vector<std::string> all = seen;
    for (const std::string& rest : Drain(resumed)) {
      if (rest != "synced") all.push_back(rest.substr(1));
    }
    EXPECT_THAT(all, testing::UnorderedElementsAre("a", "b", "c", "d"));
  }
}

TEST_F(FleetWatchTest, AResumedWatchIsSentWhatItMissedThenSynced) {
  inventory_.AddHost({"a"}, {});
  inventory_.AddHost({"b"}, {});
  Revision seen = 0;
  FleetWatch first = Watch();
  Drain(first, &seen);

  inventory_.RemoveHost({"a"});
  inventory_.AddHost({"c"}, {});
  FleetWatch resumed = Watch({}, seen);
  EXPECT_THAT(Drain(resumed), ElementsAre("-a", "+c", "synced"));

  FleetWatch nothing_missed = Watch({}, inventory_.revision());
  EXPECT_THAT(Drain(nothing_missed), ElementsAre("synced"));
}

TEST_F(FleetWatchTest, ASlowReaderIsSentEachHostsNewestStateOnly) {
  inventory_.AddHost({"a"}, {});
  FleetWatch watch = Watch();
  Drain(watch);
  for (int i = 0; i < 100; ++i) {
    inventory_.AddHost({"a"}, {{"step", absl::StrCat(i)}});
    inventory_.AddHost({"b"}, {{"step", absl::StrCat(i)}});
  }
  const auto step = watch.Next();
  ASSERT_THAT(step, IsOk());
  ASSERT_TRUE(step->has_value());
  EXPECT_EQ((*step)->record->labels().at("step"), "99");
  EXPECT_THAT(Drain(watch), ElementsAre("+b"));
}

TEST_F(FleetWatchTest, ASelectorHidesOtherHosts) {
  inventory_.AddHost({"a"}, {{"rack", "1"}});
  inventory_.AddHost({"b"}, {{"rack", "2"}});
  FleetWatch watch = Watch({{"rack", "1"}});
  EXPECT_THAT(Drain(watch), ElementsAre("+a", "synced"));
  inventory_.AddHost({"c"}, {{"rack", "2"}});
  inventory_.AddHost({"d"}, {{"rack", "1"}});
  inventory_.RemoveHost({"b"});
  EXPECT_THAT(Drain(watch), ElementsAre("+d"));
}

TEST_F(FleetWatchTest, AHostThatStopsMatchingIsRemovedOnce) {
  inventory_.AddHost({"a"}, {{"rack", "1"}});
  FleetWatch watch = Watch({{"rack", "1"}});
  Drain(watch);
  inventory_.AddHost({"a"}, {{"rack", "2"}});
  EXPECT_THAT(Drain(watch), ElementsAre("-a"));
  inventory_.AddHost({"a"}, {{"rack", "3"}});
  EXPECT_THAT(Drain(watch), ElementsAre());
  inventory_.AddHost({"a"}, {{"rack", "1"}});
  EXPECT_THAT(Drain(watch), ElementsAre("+a"));
  inventory_.RemoveHost({"a"});
  EXPECT_THAT(Drain(watch), ElementsAre("-a"));
}

TEST_F(FleetWatchTest, AResumedWatchLearnsThatAHostStoppedMatchingMeanwhile) {
  inventory_.AddHost({"a"}, {{"rack", "1"}});
  const Revision seen = inventory_.revision();
  inventory_.AddHost({"a"}, {{"rack", "2"}});

  FleetWatch watch = Watch({{"rack", "1"}}, seen);
  EXPECT_THAT(Drain(watch), ElementsAre("-a", "synced"));
  // It was told, so later changes of a host that is not its own are silent.
  inventory_.AddHost({"a"}, {{"rack", "3"}});
  inventory_.RemoveHost({"a"});
  EXPECT_THAT(Drain(watch), ElementsAre());
}

TEST_F(FleetWatchTest, AResumedWatchOfNamedHostsIsNotToldOfOthers) {
  inventory_.AddHost({"a"}, {});
  v1::FleetWatchRequest request;
  request.set_after_revision(inventory_.revision());
  request.mutable_selector()->add_nodes("a");
  inventory_.AddHost({"b"}, {});
  inventory_.RemoveHost({"b"});
  FleetWatch watch(inventory_, request);
  EXPECT_THAT(Drain(watch), ElementsAre("synced"));
  inventory_.RemoveHost({"a"});
  EXPECT_THAT(Drain(watch), ElementsAre("-a"));
}

TEST_F(FleetWatchTest, ARevisionOfAnotherRunIsOutOfRange) {
  for (const Revision after : {Revision{1}, inventory_.revision() + 1}) {
    FleetWatch watch = Watch({}, after);
    EXPECT_THAT(watch.Next(), StatusIs(absl::StatusCode::kOutOfRange));
  }
}

TEST_F(FleetWatchTest, ANegativeRevisionIsInvalid) {
  FleetWatch watch = Watch({}, -1);
  EXPECT_THAT(watch.Next(), StatusIs(absl::StatusCode::kInvalidArgument,
                                     HasSubstr("after_revision")));
}

TEST_F(FleetWatchTest, AHostThatNoLongerMatchesItsFilterIsRemoved) {
  inventory_.AddHost({"a"}, {{"rack", "r1"}});
  inventory_.AddHost({"b"}, {{"rack", "r2"}});
  v1::FleetWatchRequest request;
  request.set_filter("labels.rack = r1 OR presence = stale");
  FleetWatch watch(inventory_, request, clock_);
  EXPECT_THAT(Drain(watch), ElementsAre("+a", "synced"));

  ASSERT_THAT(inventory_.SetPresence({"b"}, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  inventory_.AddHost({"a"}, {{"rack", "r3"}});
  EXPECT_THAT(Drain(watch), ElementsAre("+b", "-a"));
  inventory_.AddHost({"a"}, {{"rack", "r4"}});
  EXPECT_THAT(Drain(watch), ElementsAre());
}

TEST_F(FleetWatchTest, AWrongRequestIsRefused) {
  const auto refused = [this](const v1::FleetWatchRequest& request) {
    return FleetWatch(inventory_, request, clock_).Next();
  };
  v1::FleetWatchRequest request;
  request.set_filter("labels.rack =");
  EXPECT_THAT(refused(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("filter: character 14")));
  for (const char* changing : {"age > 3s", "sync = parked", "applied_age > 1s",
                               "observed_at > 2026-01-01"}) {
    request.set_filter(changing);
    EXPECT_THAT(refused(request),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("changes without a change of the host")))
        << changing;
  }
  request.clear_filter();
  for (const int64_t seconds : {0, -1, 3601}) {
    request.mutable_bookmark_interval()->set_seconds(seconds);
    EXPECT_THAT(refused(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("bookmark_interval")))
        << seconds;
  }
}

TEST_F(FleetWatchTest, ABookmarkComesWhenNothingElseDoes) {
  inventory_.AddHost({"a"}, {{"rack", "r1"}});
  inventory_.AddHost({"b"}, {{"rack", "r2"}});
  v1::FleetWatchRequest request;
  request.set_filter("labels.rack = r1");
  request.mutable_bookmark_interval()->set_seconds(10);
  FleetWatch watch(inventory_, request, clock_);
  EXPECT_THAT(Drain(watch), ElementsAre("+a", "synced"));

  // What changes does not match, but the place in the history moves on.
  inventory_.AddHost({"b"}, {{"rack", "r3"}});
  EXPECT_THAT(Drain(watch), ElementsAre());
  clock_.Advance(absl::Seconds(10));
  Revision revision = 0;
  EXPECT_THAT(Drain(watch, &revision), ElementsAre("bookmark"));
  EXPECT_EQ(revision, inventory_.revision());

  // Counted from the last step, of whatever kind.
  clock_.Advance(absl::Seconds(6));
  inventory_.AddHost({"a"}, {{"rack", "r1"}, {"row", "1"}});
  EXPECT_THAT(Drain(watch), ElementsAre("+a"));
  clock_.Advance(absl::Seconds(6));
  EXPECT_THAT(Drain(watch), ElementsAre());
  clock_.Advance(absl::Seconds(4));
  EXPECT_THAT(Drain(watch), ElementsAre("bookmark"));
}

TEST_F(FleetWatchTest, ABookmarkIsOneToResumeAfterWhenOlderStepsAreTooOld) {
  inventory_.AddHost({"a"}, {{"rack", "r1"}});
  v1::FleetWatchRequest request;
  request.set_filter("labels.rack = r1");
  request.mutable_bookmark_interval()->set_seconds(10);
  FleetWatch watch(inventory_, request, clock_);
  Revision old = 0;
  EXPECT_THAT(Drain(watch, &old), ElementsAre("+a", "synced"));
  // More removals than are remembered.
  Revision newest = 0;
  for (int i = 0; i < 1200; ++i) {
    inventory_.AddHost({absl::StrCat("x", i)}, {});
    inventory_.RemoveHost({absl::StrCat("x", i)});
    clock_.Advance(absl::Seconds(1));
    Drain(watch, &newest);
  }
  request.set_after_revision(old);
  EXPECT_THAT(FleetWatch(inventory_, request, clock_).Next(),
              StatusIs(absl::StatusCode::kOutOfRange));
  request.set_after_revision(newest);
  EXPECT_THAT(FleetWatch(inventory_, request, clock_).Next(), IsOk());
}

TEST_F(FleetWatchTest, AReaderThatReadsNothingGetsTheNewestOfEachHost) {
  constexpr int kHosts = 20;
  constexpr int kChanges = 10'000;
  for (int i = 0; i < kHosts; ++i) {
    inventory_.AddHost({absl::StrCat("hv", i)}, {{"change", "0"}});
  }
  FleetWatch watch = Watch();
  EXPECT_EQ(Drain(watch).size(), kHosts + 1u);
  for (int i = 0; i < kChanges; ++i) {
    inventory_.AddHost({absl::StrCat("hv", i % kHosts)},
                       {{"change", absl::StrCat(i + 1)}});
  }
  Revision last = 0;
  EXPECT_EQ(Drain(watch, &last).size(), static_cast<size_t>(kHosts));
  EXPECT_EQ(last, inventory_.revision());
}

}  // namespace
}  // namespace rehai
