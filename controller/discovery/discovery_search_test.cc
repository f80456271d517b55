// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Discovery by Chef searches.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/discovery/discovery.h"
#include "controller/discovery/discovery_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DiscoverySearchTest : public DiscoveryTest {
 protected:
  DiscoverySearchTest() { options_.chef_searches = {Search("role:kvm")}; }

  static constexpr char kProvider[] = "chef search role:kvm";
};

TEST_F(DiscoverySearchTest, NodesThatChefFindsJoinTheFleet) {
  options_.static_hosts = {ConfigHost("hv2", "u:2")};
  Start();
  EXPECT_THAT(FleetNodes(), ElementsAre("hv2"));
  Asked asked = AwaitQuestion();
  EXPECT_EQ(asked.question.query, "role:kvm");
  EXPECT_TRUE(asked.question.attributes.contains("fqdn"));
  asked.answer(Rows({"hv3", "hv1"}));
  AwaitFleet({"hv1", "hv2", "hv3"});
  EXPECT_EQ(Fleet()[0].uri, "u:hv1");
  EXPECT_EQ(Fleet()[0].found_by, kProvider);
  EXPECT_EQ(StatusOf(kProvider).hosts(), 2);
}

TEST_F(DiscoverySearchTest, ASearchIsRepeatedAndItsAnswerIsTheWholeSet) {
  Start();
  AwaitQuestion().answer(Rows({"hv1", "hv2"}));
  AwaitFleet({"hv1", "hv2"});
  AdvanceToQuestion().answer(Rows({"hv2", "hv3"}));
  AwaitFleet({"hv2", "hv3"});
}

TEST_F(DiscoverySearchTest, AnErrorTakesNobodyAwayAndIsTold) {
  Start();
  AwaitQuestion().answer(Rows({"hv1"}));
  AwaitFleet({"hv1"});
  AdvanceToQuestion().answer(absl::UnavailableError("search: is down"));
  Asked again = AdvanceToQuestion();
  EXPECT_EQ(StatusOf(kProvider).error(), "search: is down");
  EXPECT_EQ(StatusOf(kProvider).hosts(), 1);
  EXPECT_THAT(FleetNodes(), ElementsAre("hv1"));
  again.answer(Rows({"hv1", "hv2"}));
  AwaitFleet({"hv1", "hv2"});
  EXPECT_EQ(StatusOf(kProvider).error(), "");
}

TEST_F(DiscoverySearchTest, ASearchWithoutAnAnswerIsGivenUpAndAskedAnew) {
  Start();
  Asked lost = AwaitQuestion();
  AdvanceToQuestion().answer(Rows({"hv1"}));
  AwaitFleet({"hv1"});
  lost.answer(Rows({"hv9"}));  // too late: nobody listens
  AdvanceToQuestion().answer(Rows({"hv1", "hv2"}));
  AwaitFleet({"hv1", "hv2"});
  EXPECT_EQ(Fleets(), 3);
}

TEST_F(DiscoverySearchTest, UntilASearchHasAnsweredNobodyIsTakenForGone) {
  folder_.WriteHosts("a.yaml", {"hv1", "hv2"});
  Start();
  Asked asked = AwaitQuestion();
  folder_.ReplaceHosts("a.yaml", {"hv2", "hv3"});
  AwaitFleet({"hv1", "hv2", "hv3"});
  // It does hold one of those.
  asked.answer(Rows({"hv4"}));
  AwaitFleet({"hv2", "hv3", "hv4"});
}

TEST_F(DiscoverySearchTest, AHostThatMovesFromAFileToASearchStays) {
  folder_.WriteHosts("a.yaml", {"hv1"});
  Start();
  Asked asked = AwaitQuestion();
  folder_.Remove("a.yaml");
  folder_.WriteHosts("b.yaml", {"hv2"});
  AwaitFleet({"hv1", "hv2"});
  asked.answer(Rows({"hv1", "hv3"}));
  AwaitFleet({"hv1", "hv2", "hv3"});
  EXPECT_EQ(Fleet()[0].found_by, kProvider);
}

TEST_F(DiscoverySearchTest, AnEmptyAnswerIsHeldByTheBrake) {
  Start();
  AwaitQuestion().answer(Rows({"hv1", "hv2", "hv3", "hv4"}));
  AwaitFleet({"hv1", "hv2", "hv3", "hv4"});
  AdvanceToQuestion().answer(Rows({}));
  AwaitHeld(4);
  EXPECT_THAT(FleetNodes(), ElementsAre("hv1", "hv2", "hv3", "hv4"));
  AdvanceToQuestion().answer(Rows({"hv1", "hv2", "hv3", "hv4", "hv5"}));
  AwaitFleet({"hv1", "hv2", "hv3", "hv4", "hv5"});
  EXPECT_THAT(discovery_->Status().held(), IsEmpty());
}

TEST_F(DiscoverySearchTest, ANodeThatCannotBeAHostIsTold) {
  Start();
  chef::NodeQuery::Answer answer = Rows({"hv1"});
  answer.rows.push_back({"hv2", {{"fqdn", {"a/b", /*is_string=*/true}}}});
  AwaitQuestion().answer(answer);
  AwaitFleet({"hv1"});
  EXPECT_THAT(StatusOf(kProvider).error(), HasSubstr("node hv2: fqdn is"));
}

TEST_F(DiscoverySearchTest, AnAnswerMayComeWhenDiscoveryIsGone) {
  Start();
  Asked asked = AwaitQuestion();
  discovery_.reset();
  asked.answer(Rows({"hv1"}));
  EXPECT_THAT(FleetNodes(), IsEmpty());
}

}  // namespace
}  // namespace rehai
