// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// `rehai-agent --once` as it runs on a hypervisor that Chef manages: its own
// program, a real libvirtd, a real Chef server, and the client.rb, client.pem
// and trusted_certs that chef-client has there. No controller anywhere.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "chef/node_document.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The node that a chef-client run left, of 120 kB.
std::string OhaiNode() {
  return ReadFile(*lab::Runfile("tests/data/ohai_node.json")).value_or("");
}

// What is not ours in a node: its bytes without our trees.
std::string Foreign(const std::string& node) {
  return chef::Splice(node,
                      {{{"automatic", "virtualization", "kvm"}, std::nullopt},
                       {{"automatic", "rehai"}, std::nullopt}})
      .value_or("not a node");
}

class OnceTest : public testing::Test {
 protected:
  // One server and one hypervisor for all: each test has its own node, made
  // anew.
  static void SetUpTestSuite() {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = chef->release();
    auto libvirtd = lab::FlatLibvirtd::Start();
    ASSERT_THAT(libvirtd, IsOk());
    libvirtd_ = libvirtd->release();
    const auto key = chef_->CreateClient("hv1", /*admin=*/false);
    ASSERT_THAT(key, IsOk());
    key_ = new std::string(*ReadFile(*key));
  }
  static void TearDownTestSuite() {
    delete key_;
    delete libvirtd_;
    delete chef_;
  }

  void SetUp() override {
    ASSERT_NE(chef_, nullptr);
    ASSERT_NE(libvirtd_, nullptr);
    ASSERT_NE(key_, nullptr);
    ASSERT_THAT(chef_->CreateNode(OhaiNode()), IsOk());
    auto etc = lab::TempFolder::Create("etc-chef");
    ASSERT_THAT(etc, IsOk());
    etc_ = *std::move(etc);
    std::filesystem::create_directory(*etc_ / "trusted_certs");
    std::filesystem::copy_file(chef_->ca_file(),
                               *etc_ / "trusted_certs/localhost.crt");
    Write("client.pem", *key_);
    Write("client.rb", ClientRb());
  }
  void TearDown() override {
    chef_->DeleteNode("hv1").IgnoreError();
    libvirtd_->Virsh({"resume", "test"}).status().IgnoreError();
  }

  // As `knife bootstrap` writes it; the key, which has to be looked for here,
  // apart.
  std::string ClientRb() {
    return absl::StrCat("chef_server_url  \"", chef_->url(), "\"\n",
                        "validation_client_name \"chef-validator\"\n"
                        "log_location   STDOUT\n"
                        "file_cache_path \"#{ENV['HOME']}/cache\"\n"
                        "node_name \"hv1\"\n"
                        "client_key \"",
                        *etc_ / "client.pem", "\"\n");
  }

  void Write(const std::string& name, const std::string& text) {
    const absl::string_view content(text.data(), text.size());
    EXPECT_THAT(WriteFileAtomically(*etc_ / name, content, 0600), IsOk());
  }

  // Runs the program with its client.rb, our hypervisor and `more`.
  lab::RunResult Once(const std::vector<std::string>& more = {}) {
    std::vector<std::string> argv = {
        lab::Runfile("agent/rehai-agent").value_or("absent"),
        "--once",
        "--uri",
        libvirtd_->uri(),
        "-c",
        *etc_ / "client.rb"};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto result = lab::RunProgram({.argv = argv});
    EXPECT_THAT(result, IsOk());
    return result.value_or(lab::RunResult());
  }

  static std::string Node() { return chef_->GetNode("hv1").value_or(""); }

  static lab::Goiardi* chef_;
  static lab::FlatLibvirtd* libvirtd_;
  static const std::string* key_;
  std::unique_ptr<lab::TempFolder> etc_;
};

lab::Goiardi* OnceTest::chef_ = nullptr;
lab::FlatLibvirtd* OnceTest::libvirtd_ = nullptr;
const std::string* OnceTest::key_ = nullptr;

TEST_F(OnceTest, WritesTheHostsOwnNodeAndNotOneByteThatIsNotOurs) {
  const std::string before = Node();
  const lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 0) << run.error;
  EXPECT_THAT(run.error, IsEmpty());
  EXPECT_THAT(run.output,
              AllOf(HasSubstr("automatic.virtualization.kvm.guests.test.state: "
                              "not there -> \"running\"\n"),
                    HasSubstr("node hv1: written, ")));

  const std::string after = Node();
  EXPECT_EQ(chef::FindValue(after, {"automatic", "virtualization", "kvm",
                                    "guests", "test", "state"})
                ->value_or(""),
            "\"running\"");
  EXPECT_EQ(Foreign(after), Foreign(before));
}

TEST_F(OnceTest, ASecondRunHasNothingToDoAndSendsNothing) {
  EXPECT_EQ(Once().exit_status, 0);
  const std::string written = Node();
  const lab::RunResult again = Once();
  EXPECT_EQ(again.exit_status, 0) << again.error;
  EXPECT_EQ(again.output, "node hv1: unchanged\n");
  // A write would have had its own time and revision.
  EXPECT_EQ(Node(), written);
}

TEST_F(OnceTest, TellsTheOldAndTheNewValueOfWhatChanged) {
  EXPECT_EQ(Once().exit_status, 0);
  ASSERT_THAT(libvirtd_->Virsh({"suspend", "test"}), IsOk());
  const lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 0) << run.error;
  EXPECT_THAT(run.output,
              HasSubstr("automatic.virtualization.kvm.guests.test.state: "
                        "\"running\" -> \"paused\"\n"));
}

TEST_F(OnceTest, ADryRunChangesNothing) {
  const std::string before = Node();
  const lab::RunResult run = Once({"--dry_run"});
  EXPECT_EQ(run.exit_status, 0) << run.error;
  EXPECT_THAT(run.output, AllOf(HasSubstr("-> \"running\"\n"),
                                HasSubstr("node hv1: would be written, ")));
  EXPECT_EQ(Node(), before);
}

TEST_F(OnceTest, ANodeThatIsNotThereIsNotCreated) {
  ASSERT_THAT(chef_->DeleteNode("hv1"), IsOk());
  const lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.output, IsEmpty());
  EXPECT_THAT(run.error, AllOf(HasSubstr("node hv1"),
                               HasSubstr("chef-client's first run")));
  EXPECT_THAT(chef_->GetNode("hv1"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(OnceTest, AKeyThatTheServerDoesNotKnowIsSaidToBeSo) {
  const std::string before = Node();
  Write("client.pem", MakeRsaKeyPair().private_pkcs1);
  const lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.error, AllOf(HasSubstr("\"hv1\""), HasSubstr("--client_key"),
                               Not(HasSubstr("chef.client"))));
  EXPECT_EQ(Node(), before);
}

TEST_F(OnceTest, ACertificateThatIsNotTrustedIsRefused) {
  std::filesystem::remove_all(*etc_ / "trusted_certs");
  const std::string before = Node();
  const lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.error, HasSubstr("certificate"));
  EXPECT_EQ(Node(), before);
  // What a flag says is trusted instead.
  EXPECT_EQ(Once({"--ca_file", chef_->ca_file()}).exit_status, 0);
}

TEST_F(OnceTest, ACertificateThatTheClientRbNamesIsTrusted) {
  std::filesystem::remove_all(*etc_ / "trusted_certs");
  Write("client.rb",
        absl::StrCat(ClientRb(), "ssl_ca_file '", chef_->ca_file(), "'\n"));
  const lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 0) << run.error;
}

TEST_F(OnceTest, AHypervisorThatIsNotThereLeavesTheNodeAlone) {
  const std::string before = Node();
  const std::string uri =
      absl::StrCat("test+unix:///default?socket=", *etc_ / "no-socket");
  const lab::RunResult run =
      lab::RunProgram(
          {.argv = {lab::Runfile("agent/rehai-agent").value_or("absent"),
                    "--once", "--uri", uri, "-c", *etc_ / "client.rb"}})
          .value_or(lab::RunResult());
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.error, HasSubstr("no-socket"));
  EXPECT_EQ(Node(), before);
}

TEST_F(OnceTest, BadFlagsAndBadConfigurationEndWithTwo) {
  EXPECT_EQ(Once({"--dry-rum"}).exit_status, 2);
  Write("client.rb",
        absl::StrCat(ClientRb(), "ssl_verify_mode :verify_none\n"));
  lab::RunResult run = Once();
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.error,
              AllOf(HasSubstr("client.rb:7"), HasSubstr("verify_none"),
                    HasSubstr("--ca_file")));
  Write("client.rb", ClientRb());
  std::filesystem::permissions(*etc_ / "client.pem",
                               std::filesystem::perms(0644));
  run = Once();
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_THAT(run.error, HasSubstr("chmod"));
}

TEST_F(OnceTest, ErrorsGoToTheLogFileIfThereIsOne) {
  ASSERT_THAT(chef_->DeleteNode("hv1"), IsOk());
  const lab::RunResult run = Once({"-L", *etc_ / "rehai.log"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_THAT(run.error, IsEmpty());
  EXPECT_THAT(ReadFile(*etc_ / "rehai.log").value_or(""),
              HasSubstr("node hv1"));
}

}  // namespace
}  // namespace rehai
