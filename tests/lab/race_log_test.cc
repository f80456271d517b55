// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/race_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::Time At(int milliseconds) {
  return absl::UnixEpoch() + absl::Milliseconds(milliseconds);
}

std::string Node(const std::string& ohai_time, const std::string& ours,
                 const std::string& number = "1.50") {
  return absl::StrCat(R"({"name":"hv1","automatic":{"ohai_time":)", ohai_time,
                      R"(,"libvirt":)", ours, R"(,"rehai":{"digest":")", ours,
                      R"("}},"normal":{"n":)", number, "}}");
}

ChefClientRun::Log SaveAt(int begin, int end, const std::string& ohai_time) {
  ChefClientRun::Log run;
  run.node = "hv1";
  run.ohai_time = ohai_time;
  run.put_begin = At(begin);
  run.put_end = At(end);
  run.saved = Node(ohai_time, "null");
  return run;
}

SlowProxy::Exchange Exchanged(const std::string& method, int begin, int end,
                              const std::string& body) {
  SlowProxy::Exchange exchange;
  exchange.method = method;
  exchange.path = "/nodes/hv1";
  exchange.request_body = body;
  exchange.status = 200;
  exchange.received_at = exchange.forwarded_at = At(begin);
  exchange.answered_at = At(end);
  return exchange;
}

const std::map<std::string, std::string>& First() {
  static const auto* const kFirst =
      new std::map<std::string, std::string>{{"hv1", Node("100.5", "null")}};
  return *kFirst;
}

TEST(RaceLogTest, ASaveIsRepairedByTheFirstWriteThatIsBuiltOnIt) {
  const auto race = JudgeRace(First(), {SaveAt(10, 20, "200.5")},
                              {Exchanged("GET", 30, 35, ""),
                               Exchanged("PUT", 36, 40, Node("200.5", "1")),
                               Exchanged("PUT", 50, 60, Node("200.5", "2"))});
  ASSERT_THAT(race, IsOk());
  ASSERT_THAT(race->saves, SizeIs(1));
  EXPECT_EQ(race->saves[0].repaired_at, At(40));
  EXPECT_FALSE(race->saves[0].rolled_back);
  EXPECT_FALSE(race->saves[0].perhaps_rolled_back);
  EXPECT_EQ(race->saves[0].superseded_at, absl::InfiniteFuture());
  ASSERT_THAT(race->writes, SizeIs(2));
  EXPECT_EQ(race->writes[0].read_at, At(35));
  EXPECT_EQ(race->writes[0].end, At(40));
  EXPECT_THAT(race->foreign_changes, IsEmpty());
}

TEST(RaceLogTest, AWriteOfAnOlderNodeAfterASaveRollsItBack) {
  const auto race = JudgeRace(First(), {SaveAt(10, 20, "200.5")},
                              {Exchanged("GET", 1, 5, ""),
                               Exchanged("PUT", 30, 40, Node("100.5", "1"))});
  ASSERT_THAT(race, IsOk());
  EXPECT_TRUE(race->saves[0].rolled_back);
  EXPECT_EQ(race->saves[0].repaired_at, absl::InfiniteFuture());
}

TEST(RaceLogTest, AWriteOfAnOlderNodeDuringASaveMayHaveRolledItBack) {
  const auto race = JudgeRace(First(), {SaveAt(10, 20, "200.5")},
                              {Exchanged("PUT", 15, 40, Node("100.5", "1"))});
  ASSERT_THAT(race, IsOk());
  EXPECT_FALSE(race->saves[0].rolled_back);
  EXPECT_TRUE(race->saves[0].perhaps_rolled_back);
}

TEST(RaceLogTest, ALaterSaveOfTheSameHostSupersedesAnEarlierOne) {
  const auto race = JudgeRace(
      First(), {SaveAt(50, 60, "300.5"), SaveAt(10, 20, "200.5")}, {});
  ASSERT_THAT(race, IsOk());
  ASSERT_THAT(race->saves, SizeIs(2));
  EXPECT_EQ(race->saves[0].ohai_time, "200.5");
  EXPECT_EQ(race->saves[0].superseded_at, At(50));
  EXPECT_EQ(race->saves[1].superseded_at, absl::InfiniteFuture());
}

TEST(RaceLogTest, AWriteThatSpellsANumberDifferentlyHasChangedForeignBytes) {
  const auto race = JudgeRace(
      First(), {}, {Exchanged("PUT", 15, 40, Node("100.5", "1", "1.5"))});
  ASSERT_THAT(race, IsOk());
  EXPECT_THAT(race->foreign_changes, ElementsAre(HasSubstr("\"n\":1.50")));
}

TEST(RaceLogTest, AWriteOfWhatNobodySavedIsAForeignChange) {
  const auto race =
      JudgeRace(First(), {}, {Exchanged("PUT", 15, 40, Node("150.5", "1"))});
  ASSERT_THAT(race, IsOk());
  EXPECT_THAT(race->foreign_changes, ElementsAre(HasSubstr("150.5")));
}

}  // namespace
}  // namespace rehai::lab
