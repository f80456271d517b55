// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// `rehai-agent --once --ohai` with the machine's own Ohai and a real Chef
// server. Where a test needs to know every value, a script prints what that
// Ohai has printed before, as much of it is different a second later.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "chef/node_document.h"
#include "chef/ohai_output.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The node that a chef-client run left, with all that is chef-client's own, and
// what a plugin found that this host's Ohai does not have.
std::string SavedNode() {
  const auto node = chef::Splice(
      *ReadFile(*lab::Runfile("tests/data/ohai_node.json")),
      {{{"automatic", "recipes"}, R"(["kvm::default"])"},
       {{"automatic", "expanded_run_list"}, R"(["kvm::default"])"},
       {{"automatic", "roles"}, R"(["hypervisor"])"},
       {{"automatic", "cookbooks"}, R"({"kvm":{"version":"1.0.0"}})"},
       {{"automatic", "chef_environment"}, R"("lab")"},
       {{"automatic", "chef_guid"}, R"("g")"},
       {{"automatic", "of_a_sibling"}, R"({"n":1.50})"},
       {{"automatic", "os"}, R"("beos")"},
       {{"default"}, R"({"kvm":{"a":1.50}})"},
       {{"override"}, R"({"kvm":{"b":[]}})"},
       {{"normal"}, R"({"tags":["x"],"secret":"s"})"},
       {{"run_list"}, R"(["role[hypervisor]"])"}});
  EXPECT_THAT(node, IsOk());
  return node.value_or("");
}

// What is none of Ohai's, or not this time.
const std::vector<chef::NodePath>& Foreign() {
  static const auto* const paths =
      new std::vector<chef::NodePath>{{"name"},
                                      {"chef_environment"},
                                      {"run_list"},
                                      {"normal"},
                                      {"default"},
                                      {"override"},
                                      {"automatic", "recipes"},
                                      {"automatic", "expanded_run_list"},
                                      {"automatic", "roles"},
                                      {"automatic", "cookbooks"},
                                      {"automatic", "chef_environment"},
                                      {"automatic", "chef_guid"},
                                      {"automatic", "of_a_sibling"}};
  return *paths;
}

class OhaiOnceTest : public testing::Test {
 protected:
  // One server, one hypervisor and one output of Ohai for all: each test has
  // its own node, made anew.
  static void SetUpTestSuite() {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = chef->release();
    auto libvirtd = lab::FlatLibvirtd::Start();
    ASSERT_THAT(libvirtd, IsOk());
    libvirtd_ = libvirtd->release();
    const auto key = chef_->CreateClient("hv1", /*admin=*/false);
    ASSERT_THAT(key, IsOk());
    key_file_ = new std::string(*key);
    const auto printed =
        lab::OutputOf({.argv = {"ohai"}}, "", absl::Minutes(2));
    ASSERT_THAT(printed, IsOk());
    printed_ = new std::string(*printed);
  }
  static void TearDownTestSuite() {
    delete printed_;
    delete key_file_;
    delete libvirtd_;
    delete chef_;
  }

  void SetUp() override {
    ASSERT_NE(printed_, nullptr);
    ASSERT_THAT(chef_->CreateNode(SavedNode()), IsOk());
    auto folder = lab::TempFolder::Create("ohai-once");
    ASSERT_THAT(folder, IsOk());
    folder_ = *std::move(folder);
    Write("printed.json", *printed_, 0600);
    Write("client.rb",
          absl::StrCat("chef_server_url \"", chef_->url(), "\"\n",
                       "node_name \"hv1\"\nclient_key \"", *key_file_,
                       "\"\nssl_ca_file \"", chef_->ca_file(), "\"\n"),
          0600);
    before_ = Node();
  }
  void TearDown() override { chef_->DeleteNode("hv1").IgnoreError(); }

  std::string Write(const std::string& name, const std::string& text,
                    int mode) {
    EXPECT_THAT(
        WriteFileAtomically(*folder_ / name,
                            absl::string_view(text.data(), text.size()), mode),
        IsOk());
    return *folder_ / name;
  }

  // An ohai that prints what the real one has printed.
  std::string Recorded() {
    return Write("ohai",
                 absl::StrCat("#!/bin/sh\nexec cat ",
                              std::string(*folder_ / "printed.json"), "\n"),
                 0700);
  }

  lab::RunResult Once(const std::vector<std::string>& more) {
    std::vector<std::string> argv = {
        lab::Runfile("agent/rehai-agent").value_or("absent"), "--once",
        "--ohai", "-c", *folder_ / "client.rb"};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto result = lab::RunProgram({.argv = argv}, "", absl::Minutes(2));
    EXPECT_THAT(result, IsOk());
    return result.value_or(lab::RunResult());
  }

  static std::string Node() { return chef_->GetNode("hv1").value_or(""); }

  // The bytes at `path`, as the server tells them; nullopt if it is not there.
  static std::optional<std::string> At(const std::string& node,
                                       const chef::NodePath& path) {
    const auto value = chef::FindValue(node, path);
    EXPECT_THAT(value, IsOk());
    if (!value.ok() || !value->has_value()) return std::nullopt;
    return std::string(**value);
  }

  // Every key that Ohai printed has its value, and the rest is as it was.
  void ExpectOhaisAndNothingElse(const std::string& after, bool ohai_time,
                                 bool but_virtualization = false) {
    const auto output = chef::ParseOhaiOutput(*printed_, true, ohai_time);
    ASSERT_THAT(output, IsOk());
    std::vector<chef::Subtree> without;
    for (const chef::Subtree& tree : output->subtrees) {
      without.push_back({tree.path, std::nullopt});
      if (but_virtualization && tree.path[1] == "virtualization") continue;
      const auto value = At(after, tree.path);
      ASSERT_TRUE(value.has_value()) << tree.path[1];
      EXPECT_TRUE(json::parse(*value) == json::parse(*tree.json))
          << tree.path[1];
    }
    without.push_back({{"automatic", "rehai"}, std::nullopt});
    EXPECT_TRUE(*chef::Splice(after, without) ==
                *chef::Splice(before_, without));
    for (const chef::NodePath& path : Foreign()) {
      EXPECT_TRUE(At(before_, path).has_value()) << path.back();
      EXPECT_EQ(At(after, path), At(before_, path)) << path.back();
    }
  }

  static lab::Goiardi* chef_;
  static lab::FlatLibvirtd* libvirtd_;
  static const std::string* key_file_;
  static const std::string* printed_;
  std::unique_ptr<lab::TempFolder> folder_;
  std::string before_;
};

lab::Goiardi* OhaiOnceTest::chef_ = nullptr;
lab::FlatLibvirtd* OhaiOnceTest::libvirtd_ = nullptr;
const std::string* OhaiOnceTest::key_file_ = nullptr;
const std::string* OhaiOnceTest::printed_ = nullptr;

TEST_F(OhaiOnceTest, WritesWhatOhaiPrintedAndNotOneByteElse) {
  const lab::RunResult run = Once({"--ohai_path", Recorded()});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("automatic.os: \"beos\" -> \"linux\"\n"),
                    HasSubstr("node hv1: written, ")));
  const std::string after = Node();
  ExpectOhaisAndNothingElse(after, /*ohai_time=*/false);
  EXPECT_EQ(At(after, {"automatic", "ohai_time"}),
            At(before_, {"automatic", "ohai_time"}));

  EXPECT_EQ(Once({"--ohai_path", Recorded()}).output, "node hv1: unchanged\n");
  EXPECT_EQ(Node(), after);
}

TEST_F(OhaiOnceTest, OhaiTimeIsWrittenIfAskedFor) {
  const lab::RunResult run = Once({"--ohai_path", Recorded(), "--ohai_time"});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  const std::string after = Node();
  ExpectOhaisAndNothingElse(after, /*ohai_time=*/true);
  EXPECT_NE(At(after, {"automatic", "ohai_time"}),
            At(before_, {"automatic", "ohai_time"}));
}

TEST_F(OhaiOnceTest, RunsTheMachinesOwnOhai) {
  const lab::RunResult run = Once({});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  const std::string after = Node();
  for (const char* const key :
       {"os", "platform", "platform_version", "kernel", "chef_packages"}) {
    const auto value = At(after, {"automatic", key});
    ASSERT_TRUE(value.has_value()) << key;
    EXPECT_EQ(json::parse(*value), json::parse(*printed_)[key]);
  }
  for (const chef::NodePath& path : Foreign()) {
    EXPECT_EQ(At(after, path), At(before_, path)) << path.back();
  }
  EXPECT_EQ(At(after, {"automatic", "ohai_time"}),
            At(before_, {"automatic", "ohai_time"}));
}

TEST_F(OhaiOnceTest, OnlyWhatWasChosenIsWritten) {
  const lab::RunResult run = Once({"--ohai_plugins", "kernel,languages"});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  const std::string after = Node();
  EXPECT_EQ(json::parse(*At(after, {"automatic", "kernel"})),
            json::parse(*printed_)["kernel"]);
  const std::vector<chef::Subtree> without = {
      {{"automatic", "kernel"}, std::nullopt},
      {{"automatic", "languages"}, std::nullopt}};
  EXPECT_EQ(*chef::Splice(after, without), *chef::Splice(before_, without));
}

TEST_F(OhaiOnceTest, OursWinsInTheMidstOfOhais) {
  const lab::RunResult run =
      Once({"--ohai_path", Recorded(), "--renderings", "kvm_extensions,rehai",
            "--uri", libvirtd_->uri()});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  const std::string after = Node();
  ExpectOhaisAndNothingElse(after, /*ohai_time=*/false,
                            /*but_virtualization=*/true);
  EXPECT_EQ(At(after, {"automatic", "virtualization", "kvm", "guests", "test",
                       "state"}),
            "\"running\"");
  json virtualization =
      json::parse(*At(after, {"automatic", "virtualization"}));
  virtualization.erase("kvm");
  json ohais = json::parse(*printed_)["virtualization"];
  ohais.erase("kvm");
  EXPECT_EQ(virtualization, ohais);
  EXPECT_THAT(*At(after, {"automatic", "rehai", "owns"}),
              Not(HasSubstr("\"automatic.virtualization\"")));
}

TEST_F(OhaiOnceTest, ADryRunChangesNothing) {
  const lab::RunResult run = Once({"--ohai_path", Recorded(), "--dry_run"});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  EXPECT_THAT(run.output, HasSubstr("node hv1: would be written, "));
  EXPECT_EQ(Node(), before_);
}

TEST_F(OhaiOnceTest, AnOhaiThatFailsIsToldAndNothingIsWritten) {
  const std::string script = Write(
      "ohai", "#!/bin/sh\necho '{}'; echo no such plugin >&2; exit 7\n", 0700);
  const lab::RunResult failed = Once({"--ohai_path", script});
  EXPECT_EQ(failed.exit_status, 1);
  EXPECT_THAT(failed.output, IsEmpty());
  EXPECT_THAT(failed.error, AllOf(HasSubstr("ended with status 7"),
                                  HasSubstr("no such plugin")));
  const std::string slow = Write("ohai", "#!/bin/sh\nsleep 1000\n", 0700);
  const lab::RunResult late =
      Once({"--ohai_path", slow, "--ohai_timeout", "200ms"});
  EXPECT_EQ(late.exit_status, 1);
  EXPECT_THAT(late.error, HasSubstr("did not end within 200ms"));
  EXPECT_EQ(Node(), before_);
}

}  // namespace
}  // namespace rehai
