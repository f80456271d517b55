// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "chef/search_fixture.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using Answer = absl::StatusOr<NodeSearch::Answer>;

MATCHER_P4(IsFound, node, ohai_time, digest, revision, "") {
  return arg.node == node && arg.marks.ohai_time == ohai_time &&
         arg.marks.digest == digest && arg.marks.revision == revision;
}

std::string StampedNode(const std::string& name, int revision) {
  return absl::StrCat(
      R"({"name":")", name,
      R"(","automatic":{"ohai_time":1795527759.2440631000,"rehai":)"
      R"({"schema":1,"digest":"d)",
      revision, R"(","revision":)", revision, "}}}");
}

class NodeSearchTest : public SearchTest {
 protected:
  // Named in their order.
  void AddNodes(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = absl::StrFormat("hv%05d", i);
      server_->SetNode(name, StampedNode(name, i));
    }
  }

  Answer Find(int expected, NodePath stamp_path = {"rehai"}) {
    std::promise<Answer> promise;
    NodeSearch(std::move(stamp_path), *client_, clock_)
        .Find(expected, [&promise](Answer answer) {
          promise.set_value(std::move(answer));
        });
    return promise.get_future().get();
  }
};

TEST_F(NodeSearchTest, FindsTheMarksOfEveryStampedNode) {
  AddNodes(2);
  server_->SetNode("other", R"({"name":"other","automatic":{}})");
  const Answer answer = Find(3);
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->nodes,
              UnorderedElementsAre(
                  IsFound("hv00000", "1795527759.2440631000", "d0", 0),
                  IsFound("hv00001", "1795527759.2440631000", "d1", 1)));
  EXPECT_EQ(answer->searches, 1);
  EXPECT_GT(answer->bytes, 100);
}

TEST_F(NodeSearchTest, AStampBelowANormalPrefixIsFound) {
  server_->SetNode("hv1", R"({"name":"hv1","normal":{"fleet":{"kvm":{"rehai":)"
                          R"({"schema":1,"digest":"d","revision":3}}}},)"
                          R"("automatic":{"ohai_time":2.5}})");
  const Answer answer = Find(1, {"fleet", "kvm", "rehai"});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->nodes, ElementsAre(IsFound("hv1", "2.5", "d", 3)));
}

TEST_F(NodeSearchTest, ANodeThatLostItsStampBehindTheIndexHasNoDigest) {
  AddNodes(1);
  server_->HoldIndex();
  server_->SetNode("hv00000",
                   R"({"name":"hv00000","automatic":{"ohai_time":9}})");
  const Answer answer = Find(1);
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->nodes, ElementsAre(IsFound("hv00000", "9", "", 0)));
}

TEST_F(NodeSearchTest, AThousandNodesAreOneSearch) {
  AddNodes(2500);
  for (const auto& [expected, searches] :
       {std::pair(0, 1), std::pair(1, 1), std::pair(1000, 1),
        std::pair(1001, 2), std::pair(2500, 3)}) {
    const Answer answer = Find(expected);
    ASSERT_THAT(answer, IsOk());
    EXPECT_EQ(answer->searches, searches) << expected;
    EXPECT_EQ(answer->nodes.size(), std::min(2500, searches * 1000));
  }
}

TEST_F(NodeSearchTest, AShortPageIsNotTheLastIfTheServerKnowsOfMore) {
  AddNodes(1500);
  server_->HoldIndex();
  server_->RemoveNode("hv00003");  // gone from the database, not the index
  const Answer answer = Find(1500);
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->nodes, SizeIs(1499));
}

TEST_F(NodeSearchTest, GoiardiIsNeverAskedForWhatIsBeyondTheEnd) {
  FakeChefServer::Options options;
  options.search_like_goiardi = true;
  Serve(options);
  AddNodes(900);
  EXPECT_THAT(Find(5000)->nodes, SizeIs(900));
  AddNodes(1000);
  EXPECT_THAT(Find(5000)->nodes, SizeIs(1000));
  AddNodes(1200);
  EXPECT_THAT(Find(5000)->nodes, SizeIs(1200));
}

TEST_F(NodeSearchTest, ANodeOnTwoPagesIsFoundOnce) {
  std::string rows;
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&rows, i == 0 ? "" : ",", R"({"data":{"name":"hv)", i,
                    R"("}})");
  }
  AnswerNext(200, absl::StrCat(R"({"total":1001,"rows":[)", rows, "]}"));
  AnswerNext(200, R"({"total":1001,"rows":[{"data":{"name":"hv7"}},)"
                  R"({"data":{"name":"new"}}]})");
  EXPECT_THAT(Find(1001)->nodes, SizeIs(1001));
}

TEST_F(NodeSearchTest, ValuesOfOtherTypesAreNoMarks) {
  AnswerNext(200, R"({"total":1,"rows":[{"data":{"name":"hv1",)"
                  R"("ohai_time":"x","digest":7,"revision":"r"}}]})");
  EXPECT_THAT(Find(1)->nodes, ElementsAre(IsFound("hv1", "", "", 0)));
}

TEST_F(NodeSearchTest, RefusalsKeepTheirClassAndNameTheSearch) {
  AnswerNext(403, R"({"error":["missing read permission"]})");
  EXPECT_THAT(Find(1),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr(absl::StrCat("search at ", server_->url()))));
  AnswerNext(500, R"({"error":["internal service error"]})");
  EXPECT_THAT(Find(1),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("search"), Not(HasSubstr("node")))));
  server_.reset();
  EXPECT_THAT(Find(1), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NodeSearchTest, AnAnswerThatIsNoneOfASearchIsDataLoss) {
  for (const char* const body :
       {"{}", R"({"total":1})", R"({"rows":[]})", R"({"total":1,"rows":{}})",
        R"({"total":1,"rows":[{}]})", R"({"total":1,"rows":[{"data":{}}]})",
        R"({"total":1,"rows":[{"data":{"name":null}}]})",
        R"({"total":1,"rows":[{"data":{"name":"a"}})"}) {
    AnswerNext(200, body);
    EXPECT_THAT(Find(1), StatusIs(absl::StatusCode::kDataLoss)) << body;
  }
}

TEST_F(NodeSearchTest, NobodyStampedIsAnAnswer) {
  const Answer answer = Find(3);
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->nodes, IsEmpty());
}

}  // namespace
}  // namespace rehai::chef
