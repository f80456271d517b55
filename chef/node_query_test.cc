// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "chef/search_fixture.h"
#include "tests/matchers.h"

namespace rehai::chef {

void PrintTo(const NodeQuery::Row& row, std::ostream* out) {
  *out << row.node << " {";
  for (const auto& [name, value] : row.values) {
    *out << name << "=" << value.text << (value.is_string ? "\" " : " ");
  }
  *out << "}";
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Answer = absl::StatusOr<NodeQuery::Answer>;
using Row = NodeQuery::Row;

NodeQuery::Value String(const std::string& text) { return {text, true}; }
NodeQuery::Value Json(const std::string& text) { return {text, false}; }

class NodeQueryTest : public SearchTest {
 protected:
  void AddHosts(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string name = absl::StrFormat("hv%05d", i);
      server_->SetNode(
          name, absl::StrCat(R"({"name":")", name,
                             R"(","automatic":{"virtualization":{"role":)"
                             R"("host"}}})"));
    }
  }

  Answer Ask(NodeQuery::Question question) {
    std::promise<Answer> promise;
    NodeQuery(*client_, clock_)
        .Ask(std::move(question), [&promise](Answer answer) {
          promise.set_value(std::move(answer));
        });
    return promise.get_future().get();
  }
  Answer AskForHosts() { return Ask({.query = "virtualization_role:host"}); }
};

TEST_F(NodeQueryTest, TellsTheWantedAttributesOfEachNodeThatMatches) {
  server_->SetNode("hv1", R"({"name":"hv1","automatic":{"fqdn":"hv1.example",)"
                          R"("cloud":{"local_ipv4":"192.0.2.1"},)"
                          R"("virtualization":{"role":"host"}}})");
  server_->SetNode("web", R"({"name":"web","automatic":{"fqdn":"web.example",)"
                          R"("virtualization":{"role":"guest"}}})");
  const Answer answer = Ask({.query = "virtualization_role:host",
                             .attributes = {{"fqdn", {"fqdn"}},
                                            {"ip", {"cloud", "local_ipv4"}},
                                            {"rack", {"site", "rack"}}}});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->rows, ElementsAre(Row{"hv1",
                                            {{"fqdn", String("hv1.example")},
                                             {"ip", String("192.0.2.1")},
                                             {"name", String("hv1")}}}));
  EXPECT_EQ(answer->searches, 1);
  EXPECT_GT(answer->bytes, 50);
  EXPECT_FALSE(answer->pages_overlap);
}

TEST_F(NodeQueryTest, AValueIsAStringOrItsJsonAsItIsSpelled) {
  AnswerNext(200, R"({"total":1,"rows":[{"data":{"name":"hv1",
      "s":"a\"\u00e9","n": 1795527759.2440631000 ,"t":true,"o":{"a": [1]},
      "l":["x", "y"],"z":null,"e":""}}]})");
  const Answer answer = Ask({.query = "*:*"});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->rows,
              ElementsAre(Row{"hv1",
                              {{"name", String("hv1")},
                               {"s", String("a\"\xC3\xA9")},
                               {"n", Json("1795527759.2440631000")},
                               {"t", Json("true")},
                               {"o", Json(R"({"a": [1]})")},
                               {"l", Json(R"(["x", "y"])")},
                               {"e", String("")}}}));
}

TEST_F(NodeQueryTest, TheQueryReachesTheServerAsItIsWritten) {
  const std::string query = "role:kvm AND (rack:\"a 1\" OR x:[1 TO 2]) & q=+%";
  ASSERT_THAT(Ask({.query = query}), IsOk());
  EXPECT_EQ(server_->Requests().front().query,
            "q=role%3akvm%20AND%20%28rack%3a%22a%201%22%20OR%20x%3a%5b1%20TO%"
            "202%5d%29%20%26%20q%3d%2b%25&start=0&rows=1000");
}

TEST_F(NodeQueryTest, EveryPageIsAskedForAndNoneTwice) {
  AddHosts(2500);
  const Answer answer = AskForHosts();
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->rows, SizeIs(2500));
  EXPECT_EQ(answer->searches, 3);
}

TEST_F(NodeQueryTest, EndsWhereGoiardiHasNoMoreAlthoughItDoesNotSay) {
  FakeChefServer::Options options;
  options.search_like_goiardi = true;
  Serve(options);
  for (const int nodes : {0, 1, 999, 1000, 1001, 2000}) {
    AddHosts(nodes);
    const Answer answer = AskForHosts();
    ASSERT_THAT(answer, IsOk()) << nodes;
    EXPECT_THAT(answer->rows, SizeIs(nodes));
  }
}

TEST_F(NodeQueryTest, StopsWhenItHasEnough) {
  AddHosts(2500);
  for (const int64_t enough : {0, 1, 1000}) {
    EXPECT_EQ(Ask({.query = "*:*", .enough_rows = enough})->searches, 1);
  }
  EXPECT_EQ(Ask({.query = "*:*", .enough_rows = 1001})->searches, 2);
}

TEST_F(NodeQueryTest, AShortPageIsNotTheLastIfTheServerKnowsOfMore) {
  AnswerNext(200, R"({"total":1001,"rows":[{"data":{"name":"hv1"}}]})");
  AnswerNext(200, R"({"total":1001,"rows":[{"data":{"name":"hv2"}}]})");
  EXPECT_THAT(AskForHosts()->rows, SizeIs(2));
}

TEST_F(NodeQueryTest, AServerThatShowsNothingNewIsNotAskedWithoutEnd) {
  AnswerNext(200, R"({"total":1000000,"rows":[]})");
  EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kDataLoss,
                                      HasSubstr("shows no other one")));
  for (int page = 0; page < 2; ++page) {
    AnswerNext(200, R"({"total":1000000,"rows":[{"data":{"name":"hv1"}}]})");
  }
  EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kDataLoss,
                                      HasSubstr("shows no other one")));
}

TEST_F(NodeQueryTest, PagesThatOverlapAreToldOf) {
  std::string rows;
  for (int i = 0; i < 1000; ++i) {
    absl::StrAppend(&rows, i == 0 ? "" : ",", R"({"data":{"name":"hv)", i,
                    R"("}})");
  }
  AnswerNext(200, absl::StrCat(R"({"total":1001,"rows":[)", rows, "]}"));
  AnswerNext(200, R"({"total":1001,"rows":[{"data":{"name":"hv7"}}]})");
  const Answer answer = AskForHosts();
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->rows, SizeIs(1000));
  EXPECT_TRUE(answer->pages_overlap);
}

TEST_F(NodeQueryTest, AnErrorOnALaterPageIsAnErrorOfTheWhole) {
  AddHosts(1001);
  FakeChefServer::Fault pass;
  pass.effect = FakeChefServer::Fault::Effect::kDelayOnly;
  server_->AddFault(pass);
  AnswerNext(500, R"({"error":["internal service error"]})");
  EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kUnavailable,
                                      HasSubstr("search at http")));
}

TEST_F(NodeQueryTest, RefusalsKeepTheirClass) {
  AnswerNext(400, R"({"error":["invalid search query: 'a:'"]})");
  EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("invalid search query")));
  AnswerNext(403, R"({"error":["missing read permission"]})");
  EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kPermissionDenied));
  server_.reset();
  EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NodeQueryTest, AnAnswerThatIsNoneOfASearchIsDataLoss) {
  for (const char* const body :
       {"{}", R"({"total":1})", R"({"rows":[]})", R"({"total":1,"rows":{}})",
        R"({"total":1,"rows":[{}]})", R"({"total":1,"rows":[{"data":{}}]})",
        R"({"total":1,"rows":[{"data":{"name":null}}]})",
        R"({"total":1,"rows":[{"data":{"name":7}}]})",
        R"({"total":1,"rows":[{"data":{"name":"a","x":}}]})",
        R"({"total":1,"rows":[{"data":{"name":"a"}})"}) {
    AnswerNext(200, body);
    EXPECT_THAT(AskForHosts(), StatusIs(absl::StatusCode::kDataLoss)) << body;
  }
}

TEST_F(NodeQueryTest, NobodyIsAnAnswer) {
  const Answer answer = AskForHosts();
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->rows, IsEmpty());
}

}  // namespace
}  // namespace rehai::chef
