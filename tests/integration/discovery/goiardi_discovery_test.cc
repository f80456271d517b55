// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Hosts that a search on a real Chef server finds: goiardi, with TLS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "chef/client.h"
#include "chef/node_query.h"
#include "chef/request_signer.h"
#include "controller/discovery/discovery.h"
#include "controller/discovery/discovery_options.h"
#include "controller/discovery/found_host.h"
#include "rehai/v1/config.pb.h"
#include "rehai/v1/source.pb.h"
#include "tests/lab/goiardi.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kQuery[] = "virtualization_role:host";

std::string Node(const std::string& name, const std::string& role) {
  return absl::StrCat(
      R"({"name":")", name,
      R"(","json_class":"Chef::Node","chef_type":"node",)"
      R"("chef_environment":"_default","run_list":[],)"
      R"("normal":{"site":{"rack":"a1"}},"automatic":{"fqdn":")",
      name, R"(.example.com","virtualization":{"system":"kvm","role":")", role,
      R"("}}})");
}

class GoiardiDiscoveryTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = lab::Goiardi::Start();
    ASSERT_THAT(started, IsOk());
    goiardi_ = *std::move(started);
    chef::Client::Options options;
    options.server_url = goiardi_->url();
    options.ca_file = goiardi_->ca_file();
    auto client =
        chef::Client::Create(options,
                             *chef::RequestSigner::Create(
                                 "admin", *ReadFile(goiardi_->admin_key_file()),
                                 chef::SignVersion::k1_3),
                             Clock::Real());
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    query_ = std::make_unique<chef::NodeQuery>(*client_, Clock::Real());
  }

  void StartDiscovery() {
    v1::ControllerConfig config;
    v1::ChefSearchConfig& search =
        *config.mutable_discovery()->add_chef_searches();
    search.set_query(kQuery);
    search.set_uri_template("qemu+ssh://root@{cloud.local_ipv4|fqdn}/system");
    search.mutable_labels()->insert({"rack", "site.rack"});
    search.mutable_interval()->set_seconds(1);
    DiscoveryOptions options = MakeDiscoveryOptions(
        config, "/", [](absl::string_view key, absl::string_view problem) {
          ADD_FAILURE() << absl::StrCat(key, ": ", problem);
        });
    discovery_ = std::make_unique<Discovery>(
        std::move(options),
        [this](chef::NodeQuery::Question question, auto answer) {
          query_->Ask(std::move(question), std::move(answer));
        },
        [this](std::vector<FoundHost> fleet) {
          MutexLock lock(mu_);
          fleet_ = std::move(fleet);
          changed_.NotifyAll();
        },
        Clock::Real());
    discovery_->Start();
  }

  // Waits, for as long as the test may take, for hosts with these nodes.
  void AwaitFleet(const std::vector<std::string>& nodes) {
    MutexLock lock(mu_);
    while (true) {
      std::vector<std::string> now;
      for (const FoundHost& host : fleet_) now.push_back(host.host.node);
      if (now == nodes) return;
      changed_.Wait(mu_);
    }
  }

  std::unique_ptr<lab::Goiardi> goiardi_;
  std::unique_ptr<chef::Client> client_;
  std::unique_ptr<chef::NodeQuery> query_;
  Mutex mu_;
  CondVar changed_;
  std::vector<FoundHost> fleet_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Discovery> discovery_;
};

TEST_F(GoiardiDiscoveryTest, TheFleetFollowsTheNodesThatAreHosts) {
  ASSERT_THAT(goiardi_->CreateNode(Node("hv1", "host")), IsOk());
  ASSERT_THAT(goiardi_->CreateNode(Node("web01", "guest")), IsOk());
  StartDiscovery();
  AwaitFleet({"hv1"});
  {
    MutexLock lock(mu_);
    EXPECT_THAT(fleet_,
                ElementsAre(FoundHost{
                    .host = {"hv1"},
                    .uri = "qemu+ssh://root@hv1.example.com/system",
                    .labels = {{"rack", "a1"}},
                    .found_by = "chef search virtualization_role:host"}));
  }
  ASSERT_THAT(goiardi_->CreateNode(Node("hv2", "host")), IsOk());
  AwaitFleet({"hv1", "hv2"});
  ASSERT_THAT(goiardi_->DeleteNode("hv1"), IsOk());
  AwaitFleet({"hv2"});
}

TEST_F(GoiardiDiscoveryTest, AServerThatIsDownTakesNobodyAway) {
  ASSERT_THAT(goiardi_->CreateNode(Node("hv1", "host")), IsOk());
  StartDiscovery();
  AwaitFleet({"hv1"});
  ASSERT_THAT(goiardi_->Stop(), IsOk());
  // A search goes out every second; its failure is no change of the fleet.
  v1::DiscoveryStatus status = discovery_->Status();
  while (status.providers(1).error().empty()) {
    MutexLock lock(mu_);
    changed_.WaitFor(mu_, absl::Milliseconds(20));
    status = discovery_->Status();
  }
  EXPECT_THAT(status.providers(1).error(), HasSubstr("cannot connect"));
  EXPECT_EQ(status.providers(1).hosts(), 1);
  AwaitFleet({"hv1"});
  ASSERT_THAT(goiardi_->Resume(), IsOk());
  ASSERT_THAT(goiardi_->CreateNode(Node("hv2", "host")), IsOk());
  AwaitFleet({"hv1", "hv2"});
  EXPECT_EQ(discovery_->Status().providers(1).error(), "");
}

}  // namespace
}  // namespace rehai
