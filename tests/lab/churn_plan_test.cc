// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/churn_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai::lab {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

std::vector<std::vector<ShownGuest>> Fleet(int hosts, int guests) {
  std::vector<std::vector<ShownGuest>> fleet(hosts);
  for (int host = 0; host < hosts; ++host) {
    for (int guest = 0; guest < guests; ++guest) {
      const std::string name = absl::StrCat("vm", host, "-", guest);
      fleet[host].push_back({name, name, GuestState::kRunning});
    }
  }
  return fleet;
}

TEST(ChurnPlanTest, EveryChangeIsPossibleWhereAndWhenItIsMade) {
  ChurnPlan plan(1, Fleet(4, 5));
  // What a hypervisor would know: by host and name.
  std::map<std::pair<int, std::string>, GuestState> fleet;
  for (const auto& guest : plan.guests()) {
    fleet[{guest.host, guest.name}] = guest.state;
  }
  std::set<ChangeKind> kinds;
  for (int i = 0; i < 5000; ++i) {
    const PlannedChange change = plan.Next();
    kinds.insert(change.kind);
    const auto at = fleet.find({change.host, change.guest});
    SCOPED_TRACE(absl::StrCat(i, " ", NameOf(change.kind), " ", change.guest));
    if (change.kind == ChangeKind::kDefine) {
      ASSERT_TRUE(at == fleet.end());
      fleet[{change.host, change.guest}] = GuestState::kShutOff;
    } else {
      ASSERT_TRUE(at != fleet.end());
      switch (change.kind) {
        case ChangeKind::kStart:
        case ChangeKind::kUndefine:
          ASSERT_EQ(at->second, GuestState::kShutOff);
          break;
        case ChangeKind::kResume:
          ASSERT_EQ(at->second, GuestState::kPaused);
          break;
        case ChangeKind::kSuspend:
          ASSERT_EQ(at->second, GuestState::kRunning);
          break;
        case ChangeKind::kMigrate:
          ASSERT_EQ(at->second, GuestState::kRunning);
          ASSERT_NE(change.destination, change.host);
          break;
        default:
          ASSERT_NE(at->second, GuestState::kShutOff);
      }
      fleet.erase(at);
      const int host = change.kind == ChangeKind::kMigrate ? change.destination
                                                           : change.host;
      if (const auto after = StateAfter(change.kind)) {
        fleet[{host, change.guest}] = *after;
      }
    }
    plan.Apply(change);
  }
  EXPECT_THAT(kinds, SizeIs(7));
  EXPECT_THAT(plan.guests(), SizeIs(fleet.size()));
  for (const auto& guest : plan.guests()) {
    EXPECT_EQ((fleet[{guest.host, guest.name}]), guest.state) << guest.name;
  }
}

TEST(ChurnPlanTest, TheSameSeedGivesTheSamePlanAndAnotherGivesAnother) {
  const auto plan_of = [](uint64_t seed) {
    ChurnPlan plan(seed, Fleet(4, 5));
    std::string text;
    for (int i = 0; i < 100; ++i) {
      const PlannedChange change = plan.Next();
      absl::StrAppend(&text, NameOf(change.kind), " ", change.host, " ",
                      change.destination, "\n");
      plan.Apply(change);
    }
    return text;
  };
  EXPECT_EQ(plan_of(7), plan_of(7));
  EXPECT_NE(plan_of(7), plan_of(8));
}

TEST(ChurnPlanTest, TheFleetKeepsItsSize) {
  ChurnPlan plan(3, Fleet(10, 30));
  for (int i = 0; i < 20000; ++i) {
    plan.Apply(plan.Next());
    ASSERT_THAT(plan.guests(), SizeIs(AllOf(Ge(270), Le(330))));
  }
}

TEST(ChurnPlanTest, AChangeThatIsNotAppliedLeavesTheFleetAsItIs) {
  ChurnPlan plan(1, Fleet(2, 3));
  for (int i = 0; i < 100; ++i) plan.Next();

  ASSERT_THAT(plan.guests(), SizeIs(6));
  for (const auto& guest : plan.guests()) {
    EXPECT_EQ(guest.state, GuestState::kRunning);
    EXPECT_EQ(guest.name,
              absl::StrCat("vm", guest.host, "-", guest.name.back() - '0'));
  }
}

TEST(ChurnPlanTest, AnEmptyFleetOfOneHostGetsGuests) {
  ChurnPlan plan(1, Fleet(1, 0));
  for (int i = 0; i < 1000; ++i) {
    const PlannedChange change = plan.Next();
    ASSERT_NE(change.kind, ChangeKind::kMigrate);
    plan.Apply(change);
  }
  EXPECT_THAT(plan.guests(), SizeIs(AllOf(Ge(1), Le(10))));
}

}  // namespace
}  // namespace rehai::lab
