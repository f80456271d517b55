// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What goes wrong in the field: a configuration or a server that is not as it
// should be. Each gives one message that names the subject and the remedy.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/loopback.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Property;

// One hypervisor, hv1, with the test driver's one guest, and a controller whose
// configuration is then spoiled in one place.
class BadInputTest : public testing::Test {
 protected:
  // One server for all; each test has its own hv1 on it, or none.
  static void SetUpTestSuite() {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = chef->release();
  }
  static void TearDownTestSuite() { delete std::exchange(chef_, nullptr); }

  void SetUp() override {
    ASSERT_NE(chef_, nullptr);
    auto libvirtd = lab::FlatLibvirtd::Start();
    ASSERT_THAT(libvirtd, IsOk());
    libvirtd_ = *std::move(libvirtd);
  }
  void TearDown() override {
    front_end_.reset();
    controller_.reset();
    EXPECT_THAT(chef_->DeleteNode("hv1"),
                AnyOf(IsOk(), StatusIs(absl::StatusCode::kNotFound)));
  }

  void StartController(lab::ControllerProcess::Options options = {}) {
    options.hosts = {{.node = "hv1", .uri = libvirtd_->uri()}};
    auto controller = lab::ControllerProcess::Start(*chef_, std::move(options));
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    front_end_ = std::make_unique<FrontEnd>(controller_->address());
  }

  void CreateNode() {
    ASSERT_THAT(chef_->CreateNode(SmallNode("hv1")), IsOk());
  }
  std::string Node() { return chef_->GetNode("hv1").value_or(""); }

  // Replaces a part of the configuration.
  void Spoil(const std::string& from, const std::string& to) {
    const std::string config =
        ReadFile(controller_->config_file()).value_or("");
    ASSERT_THAT(config, HasSubstr(from));
    ASSERT_THAT(
        WriteFileAtomically(controller_->config_file(),
                            absl::StrReplaceAll(config, {{from, to}}), 0600),
        IsOk());
  }

  // Runs the controller with the configuration as it is now, when that cannot
  // end well.
  lab::RunResult RunToItsEnd() {
    const auto program = lab::Runfile("controller/rehai-controller");
    EXPECT_THAT(program, IsOk());
    const auto result =
        lab::RunProgram({.argv = {program.value_or(""), "--config",
                                  controller_->config_file()}});
    EXPECT_THAT(result, IsOk());
    return result.value_or(lab::RunResult());
  }

  void Restart() {
    front_end_.reset();
    ASSERT_THAT(controller_->Restart(), IsOk());
    front_end_ = std::make_unique<FrontEnd>(controller_->address());
  }

  // Waits until hv1's write has failed so, for the reason that the message
  // tells, and the controller still answers.
  void ExpectFailure(v1::SyncState state, v1::WriteOutcome outcome,
                     const testing::Matcher<const std::string&>& message) {
    EXPECT_TRUE(Eventually(
        [&] { return front_end_->SyncStatusOf("hv1"); },
        AllOf(
            Property(&v1::SyncStatus::state, state),
            Property(&v1::SyncStatus::last_outcome, outcome),
            Property(&v1::SyncStatus::last_error,
                     AllOf(HasSubstr("hv1"), Not(HasSubstr("\n")), message)))));
    EXPECT_EQ(front_end_->StateOf("test"), "GUEST_STATE_RUNNING");
    EXPECT_TRUE(controller_->process().Running());
  }

  static lab::Goiardi* chef_;
  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<FrontEnd> front_end_;
};

lab::Goiardi* BadInputTest::chef_ = nullptr;

// What was said on standard error, without the log.
std::vector<std::string> Messages(const std::string& error) {
  std::vector<std::string> messages;
  for (absl::string_view line :
       absl::StrSplit(error, '\n', absl::SkipEmpty())) {
    // A log line begins with its time.
    if (!absl::StartsWith(line, "20")) messages.emplace_back(line);
  }
  return messages;
}

MATCHER_P(IsOneMessage, message, "") {
  return testing::ExplainMatchResult(testing::ElementsAre(message),
                                     Messages(arg), result_listener);
}

TEST_F(BadInputTest, AKeyFileThatIsNotThereEndsTheController) {
  StartController();
  Spoil(chef_->admin_key_file(), "/nowhere/admin.pem");

  const lab::RunResult result = RunToItsEnd();

  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.error, IsOneMessage(AllOf(HasSubstr("/nowhere/admin.pem"),
                                               HasSubstr("client_key_file"))));
}

TEST_F(BadInputTest, AKeyFileWithoutAKeyEndsTheController) {
  StartController();
  Spoil(chef_->admin_key_file(), chef_->ca_file());

  const lab::RunResult result = RunToItsEnd();

  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.error, IsOneMessage(AllOf(HasSubstr(chef_->ca_file()),
                                               HasSubstr("key"))));
}

TEST_F(BadInputTest, AMisspeltKeyOfTheConfigurationEndsTheController) {
  StartController();
  Spoil("server_url:", "server_ulr:");

  const lab::RunResult result = RunToItsEnd();

  EXPECT_EQ(result.exit_status, 2);
  // It misses the right one, too.
  EXPECT_THAT(Messages(result.error),
              testing::Contains(AllOf(
                  HasSubstr(absl::StrCat(controller_->config_file(), ":4")),
                  HasSubstr("server_ulr"), HasSubstr("server_url"))));
}

TEST_F(BadInputTest, ATakenPortEndsTheSecondController) {
  StartController();
  Spoil("listen: 127.0.0.1:0",
        absl::StrCat("listen: ", controller_->address()));

  const lab::RunResult result = RunToItsEnd();

  EXPECT_THAT(result.exit_status, AnyOf(1, 2));
  EXPECT_THAT(result.error,
              IsOneMessage(AllOf(HasSubstr(controller_->address()),
                                 HasSubstr("api.listen"))));
  EXPECT_EQ(front_end_->StateOf("test"), "GUEST_STATE_RUNNING");
}

TEST_F(BadInputTest, AnUnreachableServerIsNamed) {
  StartController();
  const auto port = lab::FreePort();
  ASSERT_THAT(port, IsOk());
  const std::string url = absl::StrCat("https://localhost:", *port);
  Spoil(chef_->url(), url);
  Restart();

  ExpectFailure(
      v1::SYNC_STATE_PENDING, v1::WRITE_OUTCOME_RETRY,
      AllOf(HasSubstr(url), HasSubstr("cannot connect"),
            HasSubstr("; see whether the server is running and reachable")));
}

TEST_F(BadInputTest, AnUntrustedServerIsNamedAndNotSpokenTo) {
  StartController();
  const std::string ca_file = absl::StrCat(testing::TempDir(), "/ca.pem");
  ASSERT_THAT(WriteFileAtomically(
                  ca_file, MakeSelfSignedCertificate().certificate_pem, 0600),
              IsOk());
  Spoil(chef_->ca_file(), ca_file);
  controller_->process().Stop();
  CreateNode();
  const std::string before = Node();
  Restart();

  ExpectFailure(v1::SYNC_STATE_PENDING, v1::WRITE_OUTCOME_UNAUTHENTICATED,
                AllOf(HasSubstr(chef_->url()), HasSubstr("not trusted"),
                      HasSubstr("; set chef.ca_file")));
  EXPECT_EQ(Node(), before);
}

TEST_F(BadInputTest, AKeyOfSomebodyElseIsCalledThat) {
  StartController();
  const auto key = chef_->CreateClient("other", /*admin=*/true);
  ASSERT_THAT(key, IsOk());
  Spoil(chef_->admin_key_file(), *key);
  Restart();

  ExpectFailure(v1::SYNC_STATE_PENDING, v1::WRITE_OUTCOME_UNAUTHENTICATED,
                AllOf(HasSubstr("401"), HasSubstr("not that of \"admin\""),
                      HasSubstr("; set chef.client_key_file")));
}

TEST_F(BadInputTest, AClientThatMayNotWriteParksTheHost) {
  StartController();
  const auto key = chef_->CreateClient("reader", /*admin=*/false);
  ASSERT_THAT(key, IsOk());
  Spoil(chef_->admin_key_file(), *key);
  Spoil("client_name: admin", "client_name: reader");
  controller_->process().Stop();
  CreateNode();
  const std::string before = Node();
  Restart();

  ExpectFailure(v1::SYNC_STATE_PARKED, v1::WRITE_OUTCOME_FORBIDDEN,
                AllOf(HasSubstr("403"), HasSubstr("\"reader\""),
                      HasSubstr("; grant it the update permission")));
  EXPECT_EQ(Node(), before);
}

TEST_F(BadInputTest, ANodeTooLargeIsLeftAsItIs) {
  // goiardi takes a million bytes, and our trees of one guest are thousands. A
  // word that it knows already is indexed fast.
  std::string large = SmallNode("hv1");
  const std::string word = absl::StrCat("\"", std::string(997, 'x'), "\",");
  std::string words;
  while (large.size() + words.size() < 998'000) words += word;
  large = absl::StrReplaceAll(
      large, {{"\"<s>\"", absl::StrCat("[", words, "\"<s>\"]")}});
  ASSERT_THAT(chef_->CreateNode(large), IsOk());
  const std::string before = Node();
  StartController();

  ExpectFailure(v1::SYNC_STATE_PARKED, v1::WRITE_OUTCOME_TOO_LARGE,
                AllOf(HasSubstr("1000000 are allowed"),
                      HasSubstr("; make the node smaller, or raise "
                                "chef.max_node_bytes")));
  EXPECT_TRUE(Node() == before);

  // Who allows more than the server does is told so by the server.
  Spoil("chef:\n", "chef:\n  max_node_bytes: 2000000\n");
  Restart();
  ExpectFailure(v1::SYNC_STATE_PARKED, v1::WRITE_OUTCOME_TOO_LARGE,
                HasSubstr("413"));
  EXPECT_TRUE(Node() == before);

  ASSERT_THAT(chef_->PutNode("hv1", SmallNode("hv1")), IsOk());
  ASSERT_THAT(front_end_->Resync({"hv1"}), IsOk());
  EXPECT_EQ(ShownIn(Node(), "test"), kShownRunning);
}

TEST_F(BadInputTest, AnUnknownHostIsNamedWithWhatToDo) {
  StartController();

  EXPECT_THAT(front_end_->GetHost("hv7"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv7")));
  EXPECT_THAT(front_end_->Diff("hv7"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv7")));
  EXPECT_THAT(front_end_->Resync({"hv7"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv7")));

  const auto rehaictl = lab::Runfile("cli/rehaictl");
  ASSERT_THAT(rehaictl, IsOk());
  for (const std::string command : {"diff", "resync"}) {
    SCOPED_TRACE(command);
    const auto result =
        lab::RunProgram({.argv = {*rehaictl, "--server", controller_->address(),
                                  command, "hv7"}});
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->exit_status, 4);
    EXPECT_EQ(result->output, "");
    EXPECT_THAT(result->error,
                IsOneMessage(AllOf(HasSubstr("hv7"), HasSubstr("; "))));
  }
}

TEST_F(BadInputTest, ADryRunSaysWhatItWouldWriteAndWritesNothing) {
  CreateNode();
  const std::string before = Node();
  StartController({.ohai_libvirt = false, .more_flags = {"--dry_run"}});
  const auto log = [&] {
    return ReadFile(controller_->log_file()).value_or("");
  };

  EXPECT_TRUE(
      Eventually([&] { return front_end_->SyncStatusOf("hv1"); },
                 AllOf(Property(&v1::SyncStatus::state, v1::SYNC_STATE_DRY_RUN),
                       Property(&v1::SyncStatus::last_outcome,
                                v1::WRITE_OUTCOME_WOULD_WRITE))));
  EXPECT_TRUE(Eventually(
      log, AllOf(HasSubstr("path=automatic.virtualization.kvm.guests.test.state"
                           " before=\"\" after=\"\\\"running\\\"\""),
                 HasSubstr("path=automatic.rehai.schema"))));

  ASSERT_THAT(libvirtd_->Virsh({"suspend", "test"}), IsOk());
  EXPECT_TRUE(Eventually(
      log, HasSubstr("path=automatic.virtualization.kvm.guests.test.state"
                     " before=\"\" after=\"\\\"paused\\\"\"")));
  EXPECT_THAT(front_end_->Resync({"hv1"}), IsOk());
  EXPECT_THAT(front_end_->Diff("hv1"), IsOkAndHolds(Not(testing::IsEmpty())));
  EXPECT_EQ(Node(), before);
}

}  // namespace
}  // namespace rehai::integration
