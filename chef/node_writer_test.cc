// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Fault = FakeChefServer::Fault;
using Effect = FakeChefServer::Fault::Effect;

// With spellings that no JSON writer would choose.
constexpr char kNode[] =
    "{ \"name\":\"hv1\",\n"
    "  \"run_list\" : [ \"recipe[a]\" ],\n"
    "  \"automatic\":{\"ohai_time\":1795527759.2440631000,\n"
    "    \"virtualization\":{\"system\":\"k\\u0076m\"}, \"n\": 1E+2 },\n"
    "  \"normal\":{\"secret\":\"s\"}, \"unknown\":null }";

NodeUpdate Update(const std::string& guests, const std::string& digest) {
  NodeUpdate update;
  update.node = "hv1";
  update.rendering.subtrees = {
      {{"automatic", "rehai", "guests"}, guests},
      {{"automatic", "virtualization", "kvm"}, R"({"guests":{}})"}};
  update.rendering.digest = digest;
  update.stamp.digest = digest;
  update.stamp.revision = 7;
  update.stamp.source = "pull test:///default";
  return update;
}

class NodeWriterTest : public testing::Test {
 protected:
  NodeWriterTest() : server_(StartServer()), client_(Connect()) {
    server_->SetNode("hv1", kNode);
  }

  static const RsaKeyPair& TestKey() {
    static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
    return *key;
  }

  std::unique_ptr<FakeChefServer> StartServer() {
    FakeChefServer::Options options;
    options.clock = &clock_;
    auto server = FakeChefServer::Start(options);
    server->AddClient("rehai", TestKey().public_pem);
    return server;
  }

  std::unique_ptr<Client> Connect(absl::Duration timeout = absl::Seconds(30)) {
    Client::Options options;
    options.server_url = server_->url();
    options.request_timeout = timeout;
    return *Client::Create(
        options,
        *RequestSigner::Create("rehai", TestKey().private_pkcs1,
                               SignVersion::k1_3),
        clock_);
  }

  WriteResult Write(NodeUpdate update, NodeWriter::Options options = {}) {
    std::promise<WriteResult> promise;
    NodeWriter(options, *client_, clock_)
        .Write(std::move(update), [&promise](WriteResult result) {
          promise.set_value(std::move(result));
        });
    return promise.get_future().get();
  }

  std::string Node() { return server_->Node("hv1").value_or(""); }

  void FailNext(const std::string& method, int status,
                const std::string& body) {
    Fault fault;
    fault.method = method;
    fault.status = status;
    fault.body = body;
    server_->AddFault(fault);
  }

  FakeClock clock_;
  std::unique_ptr<FakeChefServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(NodeWriterTest, WritesOursAndLeavesEveryOtherByte) {
  const WriteResult result = Write(Update(R"({"u1":1})", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(result.status, IsOk());
  EXPECT_EQ(result.http_status, 200);
  EXPECT_EQ(result.finished_at, clock_.Now());
  EXPECT_THAT(result.differences, IsEmpty());

  const std::string node = Node();
  EXPECT_EQ(FindValue(node, {"automatic", "rehai", "guests"})->value_or(""),
            R"({"u1":1})");
  EXPECT_EQ(FindValue(node, {"automatic", "rehai", "digest"})->value_or(""),
            "\"d1\"");
  // Without what is ours it is the node that was there.
  const auto without =
      Splice(node, {{{"automatic", "rehai"}, std::nullopt},
                    {{"automatic", "virtualization", "kvm"}, std::nullopt}});
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(*without, kNode);
}

TEST_F(NodeWriterTest, StampsTheTimeOfTheWrite) {
  clock_.Advance(absl::Hours(1));
  Write(Update("{}", "d1"));
  EXPECT_THAT(Node(),
              HasSubstr(absl::FormatTime("%Y-%m-%dT%H:%M:%S", clock_.Now(),
                                         absl::UTCTimeZone())));
}

TEST_F(NodeWriterTest, WhatIsThereAlreadyIsNotWrittenAgain) {
  Write(Update(R"({"u1":1})", "d1"));
  clock_.Advance(absl::Hours(1));
  NodeUpdate again = Update(R"({"u1":1})", "d1");
  again.stamp.revision = 8;
  const WriteResult result = Write(again);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_THAT(result.status, IsOk());
  EXPECT_EQ(server_->counters().puts, 1);
}

TEST_F(NodeWriterTest, AnotherSpellingByTheServerIsTheSameContent) {
  Write(Update(R"({"a":"<1>","b":2})", "d1"));
  const auto respelled = Splice(Node(), {{{"automatic", "rehai", "guests"},
                                          R"({ "b":2, "a":"\u003c1>" })"}});
  server_->SetNode("hv1", *respelled);
  EXPECT_EQ(Write(Update(R"({"a":"<1>","b":2})", "d1")).outcome,
            v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(NodeWriterTest, AnotherHandsChangeOfOursIsRepaired) {
  Write(Update(R"({"u1":1})", "d1"));
  // The digest alone would not tell.
  server_->SetNode(
      "hv1",
      *Splice(Node(), {{{"automatic", "rehai", "guests"}, R"({"u1":2})"}}));
  EXPECT_EQ(Write(Update(R"({"u1":1})", "d1")).outcome,
            v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(Node(), HasSubstr(R"({"u1":1})"));
}

TEST_F(NodeWriterTest, ALostStampIsRestored) {
  Write(Update(R"({"u1":1})", "d1"));
  server_->SetNode(
      "hv1",
      *Splice(Node(), {{{"automatic", "rehai", "digest"}, std::nullopt}}));
  EXPECT_EQ(Write(Update(R"({"u1":1})", "d1")).outcome,
            v1::WRITE_OUTCOME_WRITTEN);
}

TEST_F(NodeWriterTest, WhatOhaiFoundGoesInByTheSameWrite) {
  NodeUpdate update = Update(R"({"u1":1})", "d1");
  update.ohai = {
      {{"automatic", "os"}, "\"linux\""},
      {{"automatic", "virtualization"}, R"({"system": "kvm", "kvm" : 0 })"}};
  const WriteResult result = Write(update, {.tell_differences = true});
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_EQ(result.cost.requests, 2);
  EXPECT_EQ(FindValue(Node(), {"automatic", "virtualization"})->value_or(""),
            R"({"system": "kvm", "kvm" : {"guests":{}} })");
  EXPECT_THAT(result.differences,
              Contains(Field(&PathDifference::path, "automatic.os")));
  const auto without =
      Splice(Node(), {{{"automatic", "rehai"}, std::nullopt},
                      {{"automatic", "os"}, std::nullopt},
                      {{"automatic", "virtualization"}, std::nullopt}});
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(*without,
            *Splice(kNode, {{{"automatic", "virtualization"}, std::nullopt}}));
  EXPECT_EQ(Write(update).outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(NodeWriterTest, TheResultSaysThatWhatOhaiFoundWasTooOld) {
  NodeUpdate update = Update("{}", "d1");
  update.ohai = {{{"automatic", "os"}, "\"linux\""}};
  update.ohai_time = "1795527759.2";
  const WriteResult outdated = Write(update);
  EXPECT_EQ(outdated.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_TRUE(outdated.ohai_outdated);
  EXPECT_EQ(*FindValue(Node(), {"automatic", "os"}), std::nullopt);
  update.ohai_time = "1795527759.3";
  EXPECT_FALSE(Write(update).ohai_outdated);
  EXPECT_EQ(FindValue(Node(), {"automatic", "os"})->value_or(""), "\"linux\"");
}

TEST_F(NodeWriterTest, AServerThatDropsWhatOhaiFoundIsNotBelieved) {
  NodeUpdate update = Update("{}", "d1");
  const std::string without = [&] {
    EXPECT_EQ(Write(update).outcome, v1::WRITE_OUTCOME_WRITTEN);
    return Node();
  }();
  update.ohai = {{{"automatic", "os"}, "\"linux\""}};
  FailNext("PUT", 200, without);
  EXPECT_EQ(Write(update).outcome, v1::WRITE_OUTCOME_LOST_RACE);
}

TEST_F(NodeWriterTest,
       WhatOhaiFoundGoesIntoTheNodeOfWhoseRenderingNothingDoes) {
  NodeUpdate update;
  update.node = "hv1";
  update.rendering.data_bag = "fleet";
  update.rendering.item = {{{"rehai", "guests"}, "{}"}};
  update.rendering.digest = update.stamp.digest = "d1";
  update.confirmed.digest = "d1";
  update.ohai = {{{"automatic", "os"}, "\"linux\""}};
  Write(update);
  EXPECT_EQ(FindValue(Node(), {"automatic", "os"})->value_or(""), "\"linux\"");
}

TEST_F(NodeWriterTest, GetAndPutShareAConnection) {
  Write(Update("{}", "d1"));
  const auto requests = server_->Requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(requests[1].method, "PUT");
  EXPECT_EQ(requests[0].client_port, requests[1].client_port);
  // Chef Infra Server answers any of these with 412.
  EXPECT_THAT(requests[1].headers, Not(Contains(testing::Key("if-match"))));
}

TEST_F(NodeWriterTest, AMissingNodeIsReportedAndNotCreated) {
  server_->RemoveNode("hv1");
  const WriteResult result = Write(Update("{}", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_NODE_MISSING);
  EXPECT_THAT(result.status,
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("hv1"), HasSubstr(server_->url()))));
  EXPECT_EQ(result.http_status, 404);
  EXPECT_EQ(server_->counters().requests, 1);
}

TEST_F(NodeWriterTest, ANodeDeletedBetweenGetAndPutIsNotCreated) {
  FailNext("PUT", 404, R"({"error":["node 'hv1' not found"]})");
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_NODE_MISSING);
}

TEST_F(NodeWriterTest, RefusalsKeepTheirClass) {
  FailNext("GET", 403, R"({"error":["missing read permission"]})");
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_FORBIDDEN);
  FailNext("PUT", 403, R"({"error":["missing update permission"]})");
  const WriteResult forbidden = Write(Update("{}", "d1"));
  EXPECT_EQ(forbidden.outcome, v1::WRITE_OUTCOME_FORBIDDEN);
  EXPECT_THAT(forbidden.status,
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("grant it the update permission")));
  FailNext("PUT", 413, "{}");
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_TOO_LARGE);
  FailNext("PUT", 400, "{}");
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_REJECTED);
  FailNext("GET", 503, "");
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_EQ(Node(), kNode);
}

TEST_F(NodeWriterTest, AStrangersClockOrKeyIsUnauthenticated) {
  server_->AddClient("rehai", MakeRsaKeyPair().public_pem);
  const WriteResult result = Write(Update("{}", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_UNAUTHENTICATED);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kUnauthenticated,
                                      HasSubstr("client_key_file")));
}

TEST_F(NodeWriterTest, AnAnswerThatIsNotTheNodeIsNeverWrittenBack) {
  for (const char* const body :
       {R"({"name":"hv2"})", R"({"status":"ok"})", R"({"name":["hv1"]})",
        R"({"name":"hv1")", R"({"name":"hv1"} x)", "[]", "null", ""}) {
    FailNext("GET", 200, body);
    const WriteResult result = Write(Update("{}", "d1"));
    EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_RETRY) << body;
    EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kUnavailable,
                                        HasSubstr("chef.server_url")))
        << body;
  }
  EXPECT_EQ(server_->counters().puts, 0);
}

TEST_F(NodeWriterTest, AForeignValueInTheWayIsNotDestroyed) {
  server_->SetNode("hv1",
                   R"({"name":"hv1","automatic":{"virtualization":"none"}})");
  const WriteResult result = Write(Update("{}", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_REJECTED);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kFailedPrecondition,
                                      HasSubstr("hv1")));
  EXPECT_EQ(server_->counters().puts, 0);
}

TEST_F(NodeWriterTest, AnUpdateThatWouldDropATopLevelKeyIsNotSent) {
  // Chef fills what a PUT leaves out with an empty value.
  NodeUpdate update = Update("{}", "d1");
  update.rendering.subtrees.push_back({{"normal"}, std::nullopt});
  const WriteResult result = Write(update);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_REJECTED);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kInternal,
                                      HasSubstr("attributes of others")));
  EXPECT_EQ(server_->counters().puts, 0);
}

TEST_F(NodeWriterTest, ANodeThatWouldBeTooLargeIsNotSent) {
  NodeWriter::Options options;
  options.max_node_bytes = 500;
  const WriteResult result = Write(
      Update(absl::StrCat("\"", std::string(500, 'x'), "\""), "d1"), options);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_TOO_LARGE);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kResourceExhausted,
                                      AllOf(HasSubstr("500 are allowed"),
                                            HasSubstr("automatic.rehai.guests "
                                                      "511"),
                                            HasSubstr("chef.max_node_bytes"))));
  EXPECT_EQ(server_->counters().puts, 0);
}

TEST_F(NodeWriterTest, APutOfUnknownEndIsResolvedByTheNextGet) {
  Fault fault;
  fault.method = "PUT";
  fault.effect = Effect::kDropAfter;
  server_->AddFault(fault);
  const WriteResult result = Write(Update(R"({"u1":1})", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kUnavailable,
                                      HasSubstr("may have been done")));
  // It was carried out, and the next try finds that out by reading.
  EXPECT_EQ(Write(Update(R"({"u1":1})", "d1")).outcome,
            v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_EQ(server_->counters().puts, 1);
}

TEST_F(NodeWriterTest, APutThatTakesTooLongIsTriedAgain) {
  // Long enough for the GET on a busy machine; the PUT never comes.
  client_ = Connect(absl::Milliseconds(500));
  Fault fault;
  fault.method = "PUT";
  fault.effect = Effect::kDelayOnly;
  fault.delay = absl::Hours(1);
  server_->AddFault(fault);
  const WriteResult result = Write(Update("{}", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(NodeWriterTest, AnErrorAfterThePutWasCarriedOutIsTriedAgain) {
  Fault fault;
  fault.method = "PUT";
  fault.effect = Effect::kApplyThenAnswer;
  server_->AddFault(fault);
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_EQ(Write(Update("{}", "d1")).outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(NodeWriterTest, AServerThatDropsOursIsNotBelieved) {
  FailNext("PUT", 200, kNode);
  const WriteResult result = Write(Update(R"({"u1":1})", "d1"));
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_LOST_RACE);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kAborted,
                                      HasSubstr("without our attributes")));
  EXPECT_NE(result.window_end, absl::InfinitePast());
}

TEST_F(NodeWriterTest, SaysWhatItHasCost) {
  const WriteResult written = Write(Update(R"({"u1":1})", "d1"));
  EXPECT_EQ(written.cost.requests, 2);
  EXPECT_EQ(written.cost.bytes_sent, Node().size());
  EXPECT_EQ(written.cost.bytes_received, strlen(kNode) + Node().size());
  const WriteResult unchanged = Write(Update(R"({"u1":1})", "d1"));
  EXPECT_EQ(unchanged.cost.requests, 1);
  EXPECT_EQ(unchanged.cost.bytes_sent, 0);
  server_.reset();
  const WriteResult unanswered = Write(Update("{}", "d1"));
  EXPECT_EQ(unanswered.cost.requests, 1);
  EXPECT_EQ(unanswered.cost.bytes_received, 0);
}

TEST_F(NodeWriterTest, TellsTheMarksItFoundFromThoseTheServerConfirmed) {
  const WriteResult first = Write(Update(R"({"u1":1})", "d1"));
  EXPECT_EQ(first.found.ohai_time, "1795527759.2440631000");
  EXPECT_EQ(first.found.digest, "");
  EXPECT_EQ(first.found.revision, 0);
  EXPECT_EQ(first.confirmed.ohai_time, "1795527759.2440631000");
  EXPECT_EQ(first.confirmed.digest, "d1");
  EXPECT_EQ(first.confirmed.revision, 7);
  const WriteResult second = Write(Update(R"({"u1":2})", "d2"));
  EXPECT_EQ(second.found.digest, "d1");
  EXPECT_EQ(second.confirmed.digest, "d2");
  const WriteResult unchanged = Write(Update(R"({"u1":2})", "d2"));
  EXPECT_EQ(unchanged.found.digest, "d2");
  EXPECT_EQ(unchanged.confirmed.digest, "d2");
}

TEST_F(NodeWriterTest, KnowsWhoSavedOverWhatWasConfirmed) {
  struct Case {
    const char* ohai_time;
    v1::Overwriter who;
  };
  for (const Case& c : {Case{"1795527760.5", v1::OVERWRITER_CHEF_CLIENT},
                        Case{"1795527759.2440631", v1::OVERWRITER_SOMEBODY},
                        Case{"1795527759.2440630", v1::OVERWRITER_ROLLBACK}}) {
    SCOPED_TRACE(c.ohai_time);
    server_->SetNode("hv1", kNode);
    NodeUpdate update = Update(R"({"u1":1})", "d1");
    update.confirmed = Write(update).confirmed;
    server_->SetNode(
        "hv1",
        absl::StrReplaceAll(kNode, {{"1795527759.2440631000", c.ohai_time}}));
    const WriteResult result = Write(update);
    EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);
    EXPECT_THAT(result.status, IsOk());
    EXPECT_EQ(result.overwriter, c.who);
    EXPECT_EQ(result.confirmed.ohai_time, c.ohai_time);
  }
}

TEST_F(NodeWriterTest, WhatNobodyConfirmedNobodyOverwrote) {
  EXPECT_EQ(Write(Update("{}", "d1")).overwriter, v1::OVERWRITER_UNSPECIFIED);
}

TEST_F(NodeWriterTest, TheWindowIsOpenFromTheGetToThePutsAnswer) {
  const absl::Time before = clock_.Now();
  const WriteResult written = Write(Update("{}", "d1"));
  EXPECT_LE(written.window_begin, before);
  EXPECT_GT(written.window_begin, before - absl::Minutes(1));
  EXPECT_EQ(written.window_end, before);
  const WriteResult unchanged = Write(Update("{}", "d1"));
  EXPECT_EQ(unchanged.window_begin, absl::InfinitePast());
  EXPECT_EQ(unchanged.window_end, absl::InfinitePast());
}

TEST_F(NodeWriterTest, SaysHowFarTheServersClockIsOff) {
  // The server's Date has whole seconds.
  const absl::Duration offset = Write(Update("{}", "d1")).clock_offset;
  EXPECT_LE(offset, absl::ZeroDuration());
  EXPECT_GT(offset, -absl::Seconds(1));
  server_.reset();
  EXPECT_EQ(Write(Update("{}", "d1")).clock_offset, absl::InfiniteDuration());
}

TEST_F(NodeWriterTest, ASaveThatWasRolledBackIsPutBack) {
  // chef-client's save came within a write's window, and a person has changed
  // the run list since.
  auto saved = std::make_shared<const std::string>(
      R"({"name":"hv1","run_list":["recipe[a]"],)"
      R"("normal":{"secret":"new", "n": 1.50},"default":{"d":1},)"
      R"("override":{},"automatic":{"ohai_time":1795529000.75,)"
      R"("virtualization":{"system":"kvm"}}})");
  NodeUpdate update = Update(R"({"u1":1})", "d1");
  update.confirmed = Write(update).confirmed;
  server_->SetNode("hv1",
                   absl::StrReplaceAll(Node(), {{"recipe[a]", "recipe[b]"}}));
  update.saved = saved;
  const WriteResult result = Write(update);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_TRUE(result.restored);
  EXPECT_EQ(result.confirmed.ohai_time, "1795529000.75");
  EXPECT_EQ(result.confirmed.digest, "d1");
  const auto without =
      Splice(Node(), {{{"automatic", "rehai"}, std::nullopt},
                      {{"automatic", "virtualization", "kvm"}, std::nullopt}});
  EXPECT_EQ(*without,
            "{ \"name\":\"hv1\",\n"
            "  \"run_list\" : [ \"recipe[b]\" ],\n"
            R"(  "automatic":{"ohai_time":1795529000.75,)"
            R"("virtualization":{"system":"kvm"}},)"
            "\n  \"normal\":{\"secret\":\"new\", \"n\": 1.50}, "
            R"("unknown":null,"default":{"d":1},"override":{} })");
}

TEST_F(NodeWriterTest, ASaveThatStandsIsNotPutBack) {
  for (const char* const ohai_time :
       {"1795527759.2440631", "1795527759.2440630"}) {
    server_->SetNode("hv1", kNode);
    NodeUpdate update = Update("{}", "d1");
    update.saved = std::make_shared<const std::string>(
        absl::StrCat(R"({"name":"hv1","normal":{},"automatic":{"ohai_time":)",
                     ohai_time, "}}"));
    const WriteResult result = Write(update);
    EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
    EXPECT_FALSE(result.restored);
    EXPECT_THAT(Node(), HasSubstr("secret"));
  }
}

TEST_F(NodeWriterTest, WhatIsNoSaveOfThisNodeIsNotPutBack) {
  for (const char* const saved :
       {R"({"name":"hv2","normal":{},"automatic":{"ohai_time":1999999999.5}})",
        R"({"name":"hv1","normal":{}})", R"({"name":"hv1",)", ""}) {
    server_->SetNode("hv1", kNode);
    NodeUpdate update = Update("{}", "d1");
    update.saved = std::make_shared<const std::string>(saved);
    EXPECT_FALSE(Write(update).restored) << saved;
    EXPECT_THAT(Node(), HasSubstr("secret"));
  }
}

TEST_F(NodeWriterTest, ReadsANodeAsItStands) {
  using Document = absl::StatusOr<std::string>;
  NodeWriter writer({}, *client_, clock_);
  const auto read = [&writer](const std::string& node) {
    std::promise<Document> promise;
    writer.Read(node, [&promise](Document document) {
      promise.set_value(std::move(document));
    });
    return promise.get_future().get();
  };
  EXPECT_THAT(read("hv1"), IsOkAndHolds(std::string(kNode)));
  EXPECT_THAT(read("hv2"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(read("h v"), StatusIs(absl::StatusCode::kInvalidArgument));
  FailNext("GET", 200, R"({"name":"hv2"})");
  EXPECT_THAT(read("hv1"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(NodeWriterTest, ADryRunShowsWhatItWouldChangeAndSendsNothing) {
  NodeWriter::Options options;
  options.dry_run = true;
  const WriteResult result = Write(Update(R"({"u1":1})", "d1"), options);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WOULD_WRITE);
  EXPECT_THAT(result.status, IsOk());
  EXPECT_THAT(
      result.differences,
      Contains(AllOf(Field(&PathDifference::path, "automatic.rehai.guests.u1"),
                     Field(&PathDifference::before, ""),
                     Field(&PathDifference::after, "1"))));
  EXPECT_EQ(server_->counters().puts, 0);
  EXPECT_EQ(Node(), kNode);
}

TEST_F(NodeWriterTest, ADryRunOfWhatIsThereIsUnchanged) {
  Write(Update("{}", "d1"));
  NodeWriter::Options options;
  options.dry_run = true;
  const WriteResult result = Write(Update("{}", "d1"), options);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_THAT(result.differences, IsEmpty());
}

TEST_F(NodeWriterTest, AWriteSaysWhatItChangedIfAsked) {
  NodeWriter::Options options;
  options.tell_differences = true;
  const WriteResult result = Write(Update(R"({"u1":1})", "d1"), options);
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_WRITTEN);
  EXPECT_THAT(
      result.differences,
      Contains(AllOf(Field(&PathDifference::path, "automatic.rehai.guests.u1"),
                     Field(&PathDifference::before, ""),
                     Field(&PathDifference::after, "1"))));
  EXPECT_EQ(server_->counters().puts_applied, 1);
}

TEST_F(NodeWriterTest, DiffShowsWhatAWriteWouldChange) {
  using Differences = absl::StatusOr<std::vector<PathDifference>>;
  NodeWriter writer({}, *client_, clock_);
  const auto diff = [&](NodeUpdate update) {
    std::promise<Differences> promise;
    writer.Diff(std::move(update), [&promise](Differences differences) {
      promise.set_value(std::move(differences));
    });
    return promise.get_future().get();
  };
  const Differences differences = diff(Update(R"({"u1":1})", "d1"));
  ASSERT_THAT(differences, IsOk());
  EXPECT_THAT(*differences, Contains(Field(&PathDifference::path,
                                           "automatic.rehai.guests.u1")));
  EXPECT_EQ(server_->counters().puts, 0);

  Write(Update(R"({"u1":1})", "d1"));
  EXPECT_THAT(*diff(Update(R"({"u1":1})", "d1")), IsEmpty());

  server_->RemoveNode("hv1");
  EXPECT_THAT(diff(Update("{}", "d1")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(NodeWriterTest, NamesThatChefDoesNotAllowAreNotSent) {
  for (const char* const name : {"", "a/b", "a b", "hv1?x", "..", "%68v1"}) {
    NodeUpdate update = Update("{}", "d1");
    update.node = name;
    const WriteResult result = Write(update);
    EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_REJECTED) << name;
    EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
  EXPECT_EQ(server_->counters().requests, 0);
}

TEST_F(NodeWriterTest, WhatIsUnderWayOutlivesTheWriter) {
  server_->Pause();
  std::promise<WriteResult> promise;
  {
    NodeWriter writer({}, *client_, clock_);
    writer.Write(Update("{}", "d1"), [&promise](WriteResult result) {
      promise.set_value(std::move(result));
    });
    server_->AwaitRequests(1);
  }
  server_->Resume();
  EXPECT_EQ(promise.get_future().get().outcome, v1::WRITE_OUTCOME_WRITTEN);
}

TEST_F(NodeWriterTest, ShutdownEndsWhatIsUnderWayAsARetry) {
  server_->Pause();
  std::promise<WriteResult> promise;
  NodeWriter writer({}, *client_, clock_);
  writer.Write(Update("{}", "d1"), [&promise](WriteResult result) {
    promise.set_value(std::move(result));
  });
  server_->AwaitRequests(1);
  client_.reset();
  const WriteResult result = promise.get_future().get();
  EXPECT_EQ(result.outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_THAT(result.status, StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace rehai::chef
