// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/search_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;

constexpr absl::Duration kStart = absl::Seconds(1000);
constexpr absl::Time kNow = absl::FromUnixSeconds(1795527759);

ChefSearch Search(const std::string& query, absl::Duration interval) {
  return {.query = query,
          .uri = *UriTemplate::Parse("qemu://{fqdn}/"),
          .interval = interval};
}

chef::NodeQuery::Answer Hosts(const std::vector<std::string>& nodes) {
  chef::NodeQuery::Answer answer;
  for (const std::string& node : nodes) {
    answer.rows.push_back({node, {{"fqdn", {node, true}}}});
  }
  return answer;
}

class SearchTurnsTest : public testing::Test {
 protected:
  std::vector<SearchTurns::Turn> Take(absl::Duration uptime) {
    return turns_.Take(uptime, random_);
  }
  void Finish(const SearchTurns::Turn& turn,
              const absl::StatusOr<chef::NodeQuery::Answer>& answer,
              absl::Duration uptime) {
    turns_.Finish(turn.search, turn.number, answer, uptime, kNow, random_);
  }
  const Provider& First() const { return turns_.providers()[0]; }

  std::mt19937 random_;
  SearchTurns turns_{
      SearchTurns::Options(),
      {Search("a:1", absl::Minutes(5)), Search("b:1", absl::Seconds(20))}};
};

TEST_F(SearchTurnsTest, EverySearchIsAskedAtTheStartAndOnceUntilItAnswers) {
  const auto turns = Take(kStart);
  ASSERT_THAT(turns, SizeIs(2));
  EXPECT_EQ(turns[0].question.query, "a:1");
  EXPECT_EQ(turns[1].question.query, "b:1");
  EXPECT_THAT(Take(kStart + absl::Seconds(59)), IsEmpty());
  EXPECT_EQ(First().name, "chef search a:1");
}

TEST_F(SearchTurnsTest, IsAskedAgainAfterItsIntervalGiveOrTakeATenth) {
  Finish(Take(kStart)[0], Hosts({"hv1"}), kStart);
  EXPECT_THAT(First().hosts, SizeIs(1));
  EXPECT_EQ(First().good_at, kNow);
  Take(kStart + absl::Minutes(1));  // the other is given up
  EXPECT_THAT(Take(kStart + absl::Minutes(4.4)),
              SizeIs(1));  // the other, which is asked again
  bool asked = false;
  for (const auto& turn : Take(kStart + absl::Minutes(5.6))) {
    asked |= turn.search == 0;
  }
  EXPECT_TRUE(asked);
}

TEST_F(SearchTurnsTest, AfterErrorsTheWaitsGrow) {
  SearchTurns single(SearchTurns::Options(), {Search("a:1", absl::Minutes(5))});
  absl::Duration uptime = kStart;
  for (const auto& [low, high] :
       {std::pair(2.5, 5.0), std::pair(5.0, 10.0), std::pair(10.0, 20.0)}) {
    const auto turns = single.Take(uptime, random_);
    ASSERT_THAT(turns, SizeIs(1));
    single.Finish(0, turns[0].number, absl::UnavailableError("down"), uptime,
                  kNow, random_);
    EXPECT_THAT(single.NextDue() - uptime,
                AllOf(Ge(absl::Seconds(low)), Le(absl::Seconds(high))));
    uptime = single.NextDue();
  }
}

TEST_F(SearchTurnsTest, AnErrorKeepsTheHosts) {
  Finish(Take(kStart)[0], Hosts({"hv1"}), kStart);
  auto turns = Take(kStart + absl::Minutes(6));
  ASSERT_EQ(turns[0].search, 0u);
  Finish(turns[0], absl::UnavailableError("down"), kStart + absl::Minutes(6));
  EXPECT_THAT(First().hosts, SizeIs(1));
  EXPECT_EQ(First().error, "down");
}

TEST_F(SearchTurnsTest, TheLongestWaitIsTheInterval) {
  absl::Duration uptime = kStart;
  for (int i = 0; i < 10; ++i) {
    for (const auto& turn : Take(uptime)) {
      Finish(turn, absl::UnavailableError("down"), uptime);
    }
    EXPECT_LE(turns_.NextDue() - uptime, absl::Seconds(20));
    uptime = turns_.NextDue();
  }
}

TEST_F(SearchTurnsTest, ALateAnswerIsAnErrorAndIgnored) {
  const auto turns = Take(kStart);
  const absl::Duration late = kStart + absl::Minutes(1);
  EXPECT_EQ(turns_.NextDue(), late);
  EXPECT_THAT(Take(late), IsEmpty());
  EXPECT_THAT(First().error, HasSubstr("no answer from the Chef server"));
  Finish(turns[0], Hosts({"hv1"}), late);
  EXPECT_THAT(First().hosts, IsEmpty());
  EXPECT_THAT(Take(late + absl::Seconds(5)), SizeIs(2));
}

TEST_F(SearchTurnsTest, AnAnswerWhosePagesOverlapIsNotBelieved) {
  chef::NodeQuery::Answer answer = Hosts({"hv1"});
  answer.pages_overlap = true;
  Finish(Take(kStart)[0], answer, kStart);
  EXPECT_THAT(First().hosts, IsEmpty());
  EXPECT_THAT(First().error, HasSubstr("split the query"));
}

TEST_F(SearchTurnsTest, NodesThatCannotBeHostsAreToldBesideTheOthers) {
  chef::NodeQuery::Answer answer = Hosts({"hv1"});
  answer.rows.push_back({"hv2"});
  const auto turns = Take(kStart);
  Finish(turns[0], answer, kStart);
  EXPECT_THAT(First().hosts, SizeIs(1));
  EXPECT_THAT(First().error, HasSubstr("node hv2: has no fqdn"));
  answer.rows.push_back({"hv3"});
  Finish(turns[1], answer, kStart);
  EXPECT_THAT(turns_.providers()[1].error,
              HasSubstr("2 nodes cannot be hosts; the first is node hv2"));
}

TEST_F(SearchTurnsTest, AllHaveAnsweredWhenEachHasGivenASet) {
  const auto turns = Take(kStart);
  Finish(turns[0], Hosts({}), kStart);
  Finish(turns[1], absl::UnavailableError("down"), kStart);
  EXPECT_FALSE(turns_.AllAnswered());
  const auto again = Take(kStart + absl::Seconds(5));
  Finish(again[0], Hosts({}), kStart + absl::Seconds(5));
  EXPECT_TRUE(turns_.AllAnswered());
  const SearchTurns none(SearchTurns::Options(), {});
  EXPECT_TRUE(none.AllAnswered());
  EXPECT_EQ(none.NextDue(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace rehai
