// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Ohai on the hosts, run by their agents because the controller asks: with the
// agent's, the controller's and rehaictl's own programs, the machine's own
// Ohai, and a real Chef server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "chef/node_document.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/source.pb.h"
#include "tests/integration/agent_site.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/lab/lab.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Property;

std::string Quoted(const std::string& text) { return json(text).dump(); }

// The node that a chef-client run left, of another system than this one, with
// all that is not Ohai's.
std::string SavedNode(const std::string& name) {
  const auto node = chef::Splice(
      ReadFile(lab::Runfile("tests/data/ohai_node.json").value_or(""))
          .value_or(""),
      {{{"name"}, Quoted(name)},
       {{"automatic", "recipes"}, R"(["kvm::default"])"},
       {{"automatic", "expanded_run_list"}, R"(["kvm::default"])"},
       {{"automatic", "roles"}, R"(["hypervisor"])"},
       {{"automatic", "cookbooks"}, R"({"kvm":{"version":"1.0.0"}})"},
       {{"automatic", "of_a_sibling"}, R"({"n":1.50})"},
       {{"automatic", "os"}, R"("beos")"},
       {{"default"}, R"({"kvm":{"a":1.50}})"},
       {{"override"}, R"({"kvm":{"b":[]}})"},
       {{"normal"}, R"({"tags":["x"],"secret":"s"})"},
       {{"run_list"}, R"(["role[hypervisor]"])"}});
  EXPECT_THAT(node, IsOk());
  return node.value_or("");
}

const std::vector<chef::NodePath>& Foreign() {
  static const auto* const paths =
      new std::vector<chef::NodePath>{{"name"},
                                      {"chef_environment"},
                                      {"run_list"},
                                      {"normal"},
                                      {"default"},
                                      {"override"},
                                      {"automatic", "ohai_time"},
                                      {"automatic", "recipes"},
                                      {"automatic", "expanded_run_list"},
                                      {"automatic", "roles"},
                                      {"automatic", "cookbooks"},
                                      {"automatic", "of_a_sibling"}};
  return *paths;
}

// The bytes at `path`, as the server tells them; nullopt if it is not there.
std::optional<std::string> At(const std::string& node,
                              const chef::NodePath& path) {
  const auto value = chef::FindValue(node, path);
  EXPECT_THAT(value, IsOk());
  if (!value.ok() || !value->has_value()) return std::nullopt;
  return std::string(**value);
}

class OhaiTest : public testing::Test {
 protected:
  static constexpr int kHosts = 2;

  void StartSite(const std::string& agents) {
    auto folder = lab::TempFolder::Create("ohai-test");
    ASSERT_THAT(folder, IsOk());
    folder_ = *std::move(folder);
    auto lab =
        lab::Lab::Start({.test_hosts = kHosts, .ssh = false, .guests = 3});
    ASSERT_THAT(lab, IsOk());
    lab_ = *std::move(lab);
    auto site = AgentSite::Start(
        *lab_, {.by_agent = false, .agents = absl::StrCat(agents, kBrisk)});
    ASSERT_THAT(site, IsOk());
    site_ = *std::move(site);
    for (int i = 0; i < kHosts; ++i) {
      ASSERT_THAT(
          site_->chef().PutNode(site_->node(i), SavedNode(site_->node(i))),
          IsOk());
    }
    // What the nodes hold since then is looked at, rather than by a sweep in
    // the midst of a test.
    ASSERT_THAT(site_->front_end().Resync({site_->node(0), site_->node(1)}),
                IsOk());
  }

  // Returns once it tells of its host and that is written.
  void StartAgent(const std::vector<std::string>& more_flags) {
    lab::AgentProcess::Options options = site_->AgentOptions(0);
    options.more_flags = more_flags;
    auto agent = lab::AgentProcess::Start(site_->chef(), options);
    ASSERT_THAT(agent, IsOk());
    site_->agent(0) = *std::move(agent);
    const auto told_by = [&] {
      const auto host = site_->front_end().GetHost(site_->node(0));
      return host.ok() ? host->provenance().kind()
                       : v1::SOURCE_KIND_UNSPECIFIED;
    };
    ASSERT_TRUE(Eventually(told_by, v1::SOURCE_KIND_PUSH));
    // What the node holds since it was put there is looked at.
    ASSERT_THAT(site_->front_end().Resync({site_->node(0)}), IsOk());
  }

  std::string Script(const std::string& name, const std::string& text) {
    const std::string file = *folder_ / name;
    EXPECT_THAT(WriteFileAtomically(
                    file, absl::string_view(text.data(), text.size()), 0700),
                IsOk());
    return file;
  }

  lab::RunResult Rehaictl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {lab::Runfile("cli/rehaictl").value_or("absent"),
                      "--server", site_->controller().address()});
    const auto result =
        lab::RunProgram({.argv = arguments}, "", absl::Minutes(3));
    EXPECT_THAT(result, IsOk());
    return result.value_or(lab::RunResult());
  }

  v1::HostResult ResyncOhai(int host) {
    const auto operation =
        site_->front_end().Resync({site_->node(host)}, {v1::RESYNC_MODE_OHAI});
    EXPECT_THAT(operation, IsOk());
    return operation.ok() && operation->hosts_size() == 1 ? operation->hosts(0)
                                                          : v1::HostResult();
  }

  static constexpr char kBrisk[] = "  fallback_after: 1s\n";

  std::unique_ptr<lab::TempFolder> folder_;
  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<AgentSite> site_;
};

TEST_F(OhaiTest, AnOperatorHasTheHostsOwnOhaiWrittenAndNothingElse) {
  StartSite("");
  StartAgent({});
  const std::string before = site_->ChefNode(0);
  const std::string other = site_->ChefNode(1);
  ASSERT_EQ(At(before, {"automatic", "os"}), "\"beos\"");

  const lab::RunResult resync = Rehaictl({"resync", "--ohai", site_->node(0)});

  EXPECT_EQ(resync.exit_status, 0) << resync.error << resync.output;
  EXPECT_THAT(resync.output, HasSubstr("written"));
  const std::string after = site_->ChefNode(0);
  const auto printed = lab::OutputOf({.argv = {"ohai"}}, "", absl::Minutes(2));
  ASSERT_THAT(printed, IsOk());
  const json ohais = json::parse(*printed);
  for (const char* const key :
       {"os", "platform", "platform_version", "chef_packages"}) {
    const auto value = At(after, {"automatic", key});
    ASSERT_TRUE(value.has_value()) << key;
    EXPECT_EQ(json::parse(*value), ohais[key]) << key;
  }
  for (const chef::NodePath& path : Foreign()) {
    EXPECT_TRUE(At(before, path).has_value()) << path.back();
    EXPECT_EQ(At(after, path), At(before, path)) << path.back();
  }
  // Ours in the midst of Ohai's.
  for (const chef::NodePath& path :
       {chef::NodePath{"automatic", "virtualization", "kvm"},
        chef::NodePath{"automatic", "libvirt"},
        chef::NodePath{"automatic", "rehai", "guests"}}) {
    ASSERT_TRUE(At(before, path).has_value()) << path.back();
    EXPECT_EQ(At(after, path), At(before, path)) << path.back();
  }
  json virtualization =
      json::parse(*At(after, {"automatic", "virtualization"}));
  virtualization.erase("kvm");
  json of_ohai = ohais["virtualization"];
  of_ohai.erase("kvm");
  EXPECT_EQ(virtualization, of_ohai);

  EXPECT_EQ(site_->ChefNode(1), other);
  EXPECT_TRUE(Eventually(
      [&] { return site_->front_end().SyncStatusOf(site_->node(0)); },
      Property(&v1::SyncStatus::state, v1::SYNC_STATE_SYNCED)));
}

TEST_F(OhaiTest, NobodyRunsOhaiWhereNoAgentIs) {
  StartSite("");
  const std::string before = site_->ChefNode(1);
  const v1::HostResult result = ResyncOhai(1);
  EXPECT_EQ(result.outcome(), v1::HOST_OUTCOME_NO_AGENT);
  EXPECT_THAT(result.error(), HasSubstr(site_->node(1)));
  EXPECT_EQ(At(site_->ChefNode(1), {"automatic", "os"}),
            At(before, {"automatic", "os"}));
  const lab::RunResult resync = Rehaictl({"resync", "--ohai", site_->node(1)});
  EXPECT_NE(resync.exit_status, 0);
  EXPECT_THAT(resync.output, HasSubstr("no agent"));
}

TEST_F(OhaiTest, AnOhaiThatFailsThereIsToldHereAndNothingIsWritten) {
  StartSite("");
  // In Latin-1, which gRPC would take for no text.
  StartAgent({"--ohai_path",
              Script("ohai",
                     "#!/bin/sh\n"
                     "printf 'no such caf\\351 plugin\\n' >&2; exit 7\n")});
  const std::string before = site_->ChefNode(0);
  const v1::HostResult result = ResyncOhai(0);
  EXPECT_EQ(result.outcome(), v1::HOST_OUTCOME_OHAI_FAILED);
  EXPECT_THAT(result.error(),
              AllOf(HasSubstr("ended with status 7"), HasSubstr("no such caf"),
                    HasSubstr(" plugin")));
  EXPECT_EQ(site_->ChefNode(0), before);
  EXPECT_EQ(site_->front_end().AgentOf(site_->node(0)).sessions(), 1);
  const auto status = site_->front_end().SourceStatus();
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->push().failed_ohai_runs(), 1);
}

TEST_F(OhaiTest, ByTheIntervalItRunsUnasked) {
  StartSite("  ohai: {interval: 1m}\n");
  StartAgent(
      {"--ohai_path",
       Script("ohai", "#!/bin/sh\necho '{\"os\": \"plan9\", \"n\": 1.50}'\n")});
  // The first within an interval.
  EXPECT_TRUE(Eventually(
      [&] {
        return At(site_->ChefNode(0), {"automatic", "os"}).value_or("");
      },
      "\"plan9\"", absl::Minutes(2)));
  EXPECT_EQ(At(site_->ChefNode(0), {"automatic", "n"}), "1.50");
  const auto status = site_->front_end().SourceStatus();
  ASSERT_THAT(status, IsOk());
  EXPECT_THAT(status->push().ohai_runs(), Ge(1));
}

}  // namespace
}  // namespace rehai::integration
