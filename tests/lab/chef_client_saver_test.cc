// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/chef_client_saver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "tests/lab/chef_client_run.h"
#include "tests/lab/exact_json.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::nlohmann::json;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Kind = ChefClientRun::Kind;

constexpr char kToken[] = "secret-token";

// Keeps what chef-clients report.
class DataCollector {
 public:
  struct Message {
    httplib::Headers headers;
    json body;
  };

  DataCollector() {
    server_.Post("/data-collector/v0", [this](const httplib::Request& request,
                                              httplib::Response& response) {
      MutexLock lock(mu_);
      messages_.push_back({request.headers, *ParseExactly(request.body)});
      response.status = status_;
    });
    url_ =
        absl::StrCat("http://127.0.0.1:", server_.bind_to_any_port("127.0.0.1"),
                     "/data-collector/v0");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~DataCollector() {
    server_.stop();
    thread_.join();
  }

  const std::string& url() const { return url_; }
  void set_status(int status) {
    MutexLock lock(mu_);
    status_ = status;
  }
  std::vector<Message> messages() {
    MutexLock lock(mu_);
    return messages_;
  }

 private:
  httplib::Server server_;
  std::string url_;
  std::thread thread_;
  Mutex mu_;
  int status_ ABSL_GUARDED_BY(mu_) = 204;
  std::vector<Message> messages_ ABSL_GUARDED_BY(mu_);
};

class ChefClientTest : public testing::Test {
 protected:
  void SetUp() override {
    auto chef = Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
  }

  // A host with a node and an API client of its own.
  ChefClientRun::Host MakeHost(const std::string& name) {
    EXPECT_THAT(
        chef_->CreateNode(absl::StrCat(
            R"({"name":")", name,
            R"(","run_list":["recipe[kvm]"],"normal":{"n":1.50},"automatic":)",
            R"({"rehai":{"digest":"x"},"ohai_time":7.5}})")),
        IsOk());
    auto key = chef_->CreateClient(name, /*admin=*/false);
    EXPECT_THAT(key, IsOk());
    return {.node = name,
            .account = {.server_url = chef_->url(),
                        .ca_file = chef_->ca_file(),
                        .client_name = name,
                        .client_key_file = key.value_or("")},
            .automatic = R"({"fqdn":"hv","libvirt":{},"virtualization":)"
                         R"({"system":"kvm","kvm":{"guests":{"old":{}}}}})",
            .data_collector_url = collector_.url(),
            .data_collector_token = kToken};
  }

  json Node(const std::string& name) {
    return ParseExactly(chef_->GetNode(name).value_or("")).value_or(json());
  }

  static void Go(ChefClientRun& run) {
    run.Begin();
    run.Save();
    run.Report();
  }

  std::unique_ptr<Goiardi> chef_;
  DataCollector collector_;
};

TEST_F(ChefClientTest,
       AGoodRunSavesItsOwnViewWithNormalAndRunListAsItReadThem) {
  ChefClientRun::Host host = MakeHost("hv1");
  host.kvm = [] { return R"({"guests":{"web01":{"id":"1"}}})"; };
  ChefClientRun run(host, {.run_id = "r1", .new_secret = "s1"});
  run.Begin();
  // Somebody writes while it converges.
  json theirs = Node("hv1");
  theirs["automatic"]["rehai"]["digest"] = "y";
  theirs["run_list"] = {"recipe[theirs]"};
  ASSERT_THAT(chef_->PutNode("hv1", DumpExactly(theirs)), IsOk());
  run.Save();
  run.Report();

  ASSERT_THAT(run.log().status, IsOk());
  const json node = Node("hv1");
  EXPECT_EQ(node, *ParseExactly(run.log().saved));
  EXPECT_EQ(SpellingOf(node["automatic"]["ohai_time"]), run.log().ohai_time);
  EXPECT_FALSE(node["automatic"].contains("rehai"));
  EXPECT_FALSE(node["automatic"].contains("libvirt"));
  EXPECT_EQ(node["automatic"]["virtualization"],
            json({{"system", "kvm"},
                  {"kvm", {{"guests", {{"web01", {{"id", "1"}}}}}}}}));
  EXPECT_EQ(SpellingOf(node["normal"]["n"]), "1.50");
  EXPECT_EQ(node["normal"]["secrets"], json({{"s1", "made in r1"}}));
  EXPECT_EQ(node["run_list"], json({"recipe[kvm]"}));
  EXPECT_GT(run.log().put_begin, run.log().got_at);
}

TEST_F(ChefClientTest, ItsMessagesCarryTheSavedNode) {
  const ChefClientRun::Host host = MakeHost("hv1");
  ChefClientRun run(host, {.run_id = "r1"});
  Go(run);

  const auto messages = collector_.messages();
  ASSERT_THAT(messages, SizeIs(2));
  for (const auto& message : messages) {
    EXPECT_EQ(message.headers.find("X-Data-Collector-Token")->second, kToken);
    EXPECT_EQ(message.headers.find("X-Remote-Request-Id")->second, "r1");
    EXPECT_EQ(message.headers.count("X-Ops-Sign"), 0u);
    EXPECT_EQ(message.body["node_name"], "hv1");
    EXPECT_EQ(message.body["run_id"], "r1");
  }
  EXPECT_EQ(messages[0].body["message_type"], "run_start");
  EXPECT_EQ(messages[1].body["message_type"], "run_converge");
  EXPECT_EQ(messages[1].body["status"], "success");
  EXPECT_EQ(messages[1].body["node"], *ParseExactly(run.log().saved));
  EXPECT_EQ(messages[1].body["run_list"], messages[1].body["node"]["run_list"]);
}

TEST_F(ChefClientTest, AFailedAndAnOverrideRunReportAFreshNodeAndSaveNothing) {
  const ChefClientRun::Host host = MakeHost("hv1");
  const json before = Node("hv1");
  ChefClientRun failed(host, {.kind = Kind::kFailed, .run_id = "r1"});
  Go(failed);
  ChefClientRun once(host, {.kind = Kind::kOverride, .run_id = "r2"});
  Go(once);

  EXPECT_EQ(Node("hv1"), before);
  EXPECT_THAT(failed.log().saved, IsEmpty());
  EXPECT_THAT(once.log().saved, IsEmpty());
  const auto messages = collector_.messages();
  ASSERT_THAT(messages, SizeIs(4));
  EXPECT_EQ(messages[1].body["status"], "failure");
  EXPECT_TRUE(messages[1].body.contains("error"));
  EXPECT_EQ(SpellingOf(messages[1].body["node"]["automatic"]["ohai_time"]),
            failed.log().ohai_time);
  EXPECT_EQ(messages[3].body["status"], "success");
  EXPECT_EQ(messages[3].body["run_list"], json({"recipe[hotfix]"}));
  EXPECT_EQ(messages[3].body["node"]["run_list"], before["run_list"]);
}

TEST_F(ChefClientTest, ACollectorThatRefusesTheStartIsNotToldTheEnd) {
  const ChefClientRun::Host host = MakeHost("hv1");
  collector_.set_status(401);
  ChefClientRun run(host, {.run_id = "r1"});
  Go(run);
  EXPECT_THAT(run.log().status, IsOk());
  EXPECT_FALSE(run.log().start_reported);
  EXPECT_THAT(collector_.messages(), SizeIs(1));
}

TEST_F(ChefClientTest, ARunThatCannotReadItsNodeSavesNothing) {
  ChefClientRun::Host host = MakeHost("hv1");
  host.node = "hv2";
  ChefClientRun run(host, {.run_id = "r1"});
  Go(run);
  EXPECT_THAT(run.log().status, StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(chef_->GetNode("hv2"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ChefClientTest, AFleetsRunsAreLoggedAndNeverOverlapOnAHost) {
  ChefClientSaver saver({.hosts = {MakeHost("hv1"), MakeHost("hv2")},
                         .threads = 2,
                         .interval = absl::Milliseconds(5),
                         .splay = absl::Milliseconds(20),
                         .converge_min = absl::Milliseconds(5),
                         .converge_max = absl::Milliseconds(40),
                         .failed_share = 0.3,
                         .override_share = 0.2,
                         .secret_share = 0.5,
                         .runs_per_host = 8});
  ASSERT_TRUE(saver.AwaitEnd(absl::Seconds(30)));

  std::map<std::string, std::vector<ChefClientRun::Log>> by_node;
  std::map<Kind, int> kinds;
  for (const ChefClientRun::Log& run : saver.Runs()) {
    EXPECT_THAT(run.status, IsOk());
    EXPECT_TRUE(run.end_reported);
    ++kinds[run.plan.kind];
    by_node[run.node].push_back(run);
  }
  EXPECT_THAT(kinds, SizeIs(3));
  ASSERT_THAT(by_node, SizeIs(2));
  for (const auto& [name, runs] : by_node) {
    ASSERT_THAT(runs, SizeIs(8));
    std::string last_saved;
    absl::Time before = absl::InfinitePast();
    for (const ChefClientRun::Log& run : runs) {
      EXPECT_THAT(run.got_at, Gt(before));
      before = run.saved.empty() ? run.got_at : run.put_end;
      if (!run.saved.empty()) last_saved = run.saved;
    }
    EXPECT_EQ(Node(name), *ParseExactly(last_saved)) << name;
  }
}

TEST_F(ChefClientTest, TheSameSeedDrawsTheSameRuns) {
  const auto kinds = [&](uint64_t seed, const std::string& node) {
    ChefClientSaver saver({.hosts = {MakeHost(node)},
                           .seed = seed,
                           .interval = absl::ZeroDuration(),
                           .splay = absl::Milliseconds(5),
                           .converge_min = absl::ZeroDuration(),
                           .converge_max = absl::Milliseconds(5),
                           .failed_share = 0.5,
                           .runs_per_host = 8});
    EXPECT_TRUE(saver.AwaitEnd(absl::Seconds(30)));
    std::vector<std::string> drawn;
    for (const ChefClientRun::Log& run : saver.Runs()) {
      drawn.push_back(absl::StrCat(run.plan.run_id, " ", run.plan.kind));
    }
    return drawn;
  };
  const auto first = kinds(7, "hv1");
  EXPECT_THAT(first, SizeIs(8));
  EXPECT_EQ(kinds(7, "hv2"), first);
  EXPECT_NE(kinds(8, "hv3"), first);
}

TEST_F(ChefClientTest, StopEndsTheRunsThatAreUnderWayAndBeginsNone) {
  ChefClientSaver saver({.hosts = {MakeHost("hv1")},
                         .interval = absl::ZeroDuration(),
                         .splay = absl::Milliseconds(1),
                         .converge_min = absl::ZeroDuration(),
                         .converge_max = absl::Milliseconds(1)});
  ASSERT_THAT(WaitUntil(absl::Seconds(10),
                        [&] {
                          return saver.Runs().empty()
                                     ? absl::UnknownError("no run has ended")
                                     : absl::OkStatus();
                        }),
              IsOk());
  saver.Stop();
  const size_t ended = saver.Runs().size();
  for (const ChefClientRun::Log& run : saver.Runs()) {
    EXPECT_TRUE(run.end_reported);
  }
  EXPECT_TRUE(saver.AwaitEnd(absl::ZeroDuration()));
  EXPECT_THAT(saver.Runs(), SizeIs(ended));
}

}  // namespace
}  // namespace rehai::lab
