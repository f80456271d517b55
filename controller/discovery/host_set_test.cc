// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/host_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Hosts = std::vector<FoundHost>;

FoundHost Host(const std::string& node, const std::string& uri,
               const std::string& found_by,
               std::map<std::string, std::string> labels = {},
               std::vector<std::string> other_claims = {}) {
  return {{node}, uri, std::move(labels), found_by, std::move(other_claims)};
}

Hosts Merge(const std::vector<Hosts>& sets, const Hosts& fleet = {}) {
  std::vector<const Hosts*> pointers;
  for (const Hosts& set : sets) pointers.push_back(&set);
  return MergeHosts(pointers, fleet);
}

TEST(HostSetTest, AFleetIsAllSetsTogetherInTheOrderOfTheNodes) {
  EXPECT_THAT(Merge({{Host("c", "u:c", "config"), Host("a", "u:a", "config")},
                     {},
                     {Host("b", "u:b", "file")}}),
              ElementsAre(Host("a", "u:a", "config"), Host("b", "u:b", "file"),
                          Host("c", "u:c", "config")));
  EXPECT_THAT(Merge({}), IsEmpty());
}

TEST(HostSetTest, WhoIsInNoSetIsGone) {
  EXPECT_THAT(Merge({{Host("a", "u:a", "x")}},
                    {Host("a", "u:a", "x"), Host("b", "u:b", "x")}),
              ElementsAre(Host("a", "u:a", "x")));
}

TEST(HostSetTest, TheSameUriTwiceIsNoConflictAndItsLabelsAddUp) {
  EXPECT_THAT(
      Merge({{Host("a", "u:a", "one", {{"rack", "1"}})},
             {Host("a", "u:a", "two", {{"rack", "2"}, {"row", "7"}})}}),
      ElementsAre(Host("a", "u:a", "one", {{"rack", "1"}, {"row", "7"}})));
}

TEST(HostSetTest, WhoNamesNoUriContradictsNobody) {
  EXPECT_THAT(Merge({{Host("a", "", "one"), Host("b", "", "one")},
                     {Host("a", "u:a", "two", {{"rack", "2"}})},
                     {Host("a", "", "three")}}),
              ElementsAre(Host("a", "u:a", "one", {{"rack", "2"}}),
                          Host("b", "", "one")));
}

TEST(HostSetTest, OfTwoUrisOfANewNodeTheFirstProvidersIsTheHosts) {
  EXPECT_THAT(
      Merge({{Host("a", "u:1", "one")},
             {Host("a", "u:2", "two", {{"l", "x"}})},
             {Host("a", "u:3", "three"), Host("b", "u:b", "three")}}),
      ElementsAre(Host("a", "u:1", "one", {}, {"u:2 (two)", "u:3 (three)"}),
                  Host("b", "u:b", "three")));
}

TEST(HostSetTest, ANewcomerNeverTakesAHostOver) {
  const Hosts fleet = {Host("a", "u:2", "two")};
  const Hosts settled = {Host("a", "u:2", "two", {}, {"u:1 (one)"})};
  const std::vector<Hosts> sets = {{Host("a", "u:1", "one")},
                                   {Host("a", "u:2", "two")}};
  EXPECT_EQ(Merge(sets, fleet), settled);
  EXPECT_EQ(Merge(sets, settled), settled);
}

TEST(HostSetTest, AClaimThatIsLeftAloneIsTheHosts) {
  const Hosts fleet = {Host("a", "u:2", "two", {}, {"u:1 (one)"})};
  EXPECT_THAT(Merge({{Host("a", "u:1", "one")}}, fleet),
              ElementsAre(Host("a", "u:1", "one")));
}

TEST(HostSetTest, AChangeIsCountedByWhatHappenedToEachHost) {
  const Hosts before = {Host("a", "u:a", "x"), Host("b", "u:b", "x"),
                        Host("c", "u:c", "x"), Host("d", "u:d", "x")};
  const Hosts after = {Host("b", "u:B", "x"), Host("c", "u:c", "x"),
                       Host("d", "u:d", "x", {{"l", "1"}}),
                       Host("e", "u:e", "x"), Host("f", "u:f", "x")};
  const HostSetChange change = CompareHosts(before, after);
  EXPECT_EQ(change.added, 2);
  EXPECT_EQ(change.removed, 1);
  EXPECT_EQ(change.changed, 2);
  EXPECT_TRUE(change.Any());
  EXPECT_FALSE(CompareHosts(after, after).Any());
  EXPECT_THAT(MissingHosts(before, after), ElementsAre(Host("a", "u:a", "x")));
}

TEST(HostSetTest, JoinedHostsAreInTheOrderOfTheNodes) {
  EXPECT_THAT(JoinHosts({Host("a", "u:a", "x"), Host("d", "u:d", "x")},
                        {Host("b", "u:b", "x"), Host("e", "u:e", "x")}),
              ElementsAre(Host("a", "u:a", "x"), Host("b", "u:b", "x"),
                          Host("d", "u:d", "x"), Host("e", "u:e", "x")));
}

}  // namespace
}  // namespace rehai
