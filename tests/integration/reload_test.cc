// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A running controller reads its configuration again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/goiardi.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Of "night", for which see docs/security.md.
constexpr char kRoles[] =
    "  roles: [{role: reader, token_sha256: "
    "[176473d7313395b6e209bc6b1d57aa160b628706860aa0554d7af60a1d40ab87]}]\n";

class ReloadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
    // The hypervisor is away, which is nothing to this.
    auto controller = lab::ControllerProcess::Start(
        *chef_, {.hosts = {{.node = "hv1",
                            .uri = "qemu+unix:///system?socket=/no/such"}}});
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    front_end_ = std::make_unique<FrontEnd>(controller_->address());
  }

  // Writes the configuration anew and tells the controller.
  void Reload(const std::string& from, const std::string& to) {
    const std::string file = controller_->config_file();
    const std::string config = ReadFile(file).value_or("");
    ASSERT_THAT(config, HasSubstr(from));
    ASSERT_THAT(WriteFileAtomically(
                    file, absl::StrReplaceAll(config, {{from, to}}), 0600),
                IsOk());
    controller_->process().Signal(SIGHUP);
  }

  absl::Status Ask() { return front_end_->GetHost("hv1").status(); }
  std::string Log() { return ReadFile(controller_->log_file()).value_or(""); }

  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<FrontEnd> front_end_;
};

TEST_F(ReloadTest, RolesComeAndGoWithoutARestart) {
  const pid_t pid = controller_->process().pid();
  ASSERT_THAT(Ask(), IsOk());
  const std::unique_ptr<FleetWatch> watch = front_end_->Watch();
  ASSERT_THAT(watch->Next(), IsOk());

  Reload("api:\n", absl::StrCat("api:\n", kRoles));
  EXPECT_TRUE(Eventually(
      [&] { return Ask(); },
      StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("api.roles"))));
  absl::Status end;
  while (end.ok()) end = watch->Next().status();
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kPermissionDenied,
                            HasSubstr("Fleet.Watch")));

  // What is wrong is told, and changes nothing.
  Reload(kRoles, "  roles: [{role: king}]\n");
  EXPECT_TRUE(
      Eventually([&] { return Log(); },
                 AllOf(HasSubstr("configuration not reloaded"),
                       HasSubstr("api.roles[0].role: must be reader"))));
  EXPECT_THAT(Ask(), StatusIs(absl::StatusCode::kPermissionDenied));

  // What needs a restart is told.
  Reload("  roles: [{role: king}]\n", "");
  EXPECT_TRUE(Eventually([&] { return Ask(); }, IsOk()));
  EXPECT_THAT(Log(), Not(HasSubstr("waits for a restart")));
  Reload("  window: 200ms\n", "  window: 300ms\n");
  EXPECT_TRUE(Eventually(
      [&] { return Log(); },
      AllOf(HasSubstr("waits for a restart"), HasSubstr("changed=sync"))));
  EXPECT_THAT(Ask(), IsOk());
  EXPECT_EQ(controller_->process().pid(), pid);
  EXPECT_TRUE(controller_->process().Running());
}

}  // namespace
}  // namespace rehai::integration
