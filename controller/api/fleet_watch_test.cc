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
    const absl::StatusOr<std::optional<v1::FleetWatchResponse>> next =
        watch.Next();
    EXPECT_THAT(next, IsOk());
    if (!next.ok() || !next->has_value()) return steps;
    const v1::FleetWatchResponse& step = **next;
    if (last_revision != nullptr) *last_revision = step.revision();
    switch (step.kind()) {
      case v1::FleetWatchResponse::KIND_HOST_CHANGED:
        EXPECT_EQ(step.record().revision(), step.revision());
        steps.push_back(absl::StrCat("+", step.record().node()));
        break;
      case v1::FleetWatchResponse::KIND_HOST_REMOVED:
        steps.push_back(absl::StrCat("-", step.record().node()));
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
    seen.push_back((*step)->record().node());
    // What a watch resumed here is sent, and what was seen, are all hosts.
    FleetWatch resumed = Watch({}, (*step)->revision());
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
  EXPECT_EQ((*step)->record().labels().at("step"), "99");
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

}  // namespace
}  // namespace rehai
