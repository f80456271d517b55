// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Promise 3, "Newest wins, nothing is lost", while the Chef server is away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/guest_xml.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Property;

// As many hosts as it takes to tell a server in trouble from a host in trouble.
constexpr int kHosts = 3;

std::string NodeName(int host) { return absl::StrCat("hv", host); }

class ChefRestartTest : public testing::Test {
 protected:
  void SetUp() override {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
    std::vector<lab::WatchedHost> hosts;
    for (int i = 0; i < kHosts; ++i) {
      auto libvirtd = lab::FlatLibvirtd::Start();
      ASSERT_THAT(libvirtd, IsOk());
      libvirtds_.push_back(*std::move(libvirtd));
      hosts.push_back({.node = NodeName(i), .uri = libvirtds_[i]->uri()});
      ASSERT_THAT(chef_->CreateNode(SmallNode(NodeName(i))), IsOk());
    }
    auto controller =
        lab::ControllerProcess::Start(*chef_, {.hosts = std::move(hosts)});
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    front_end_ = std::make_unique<FrontEnd>(controller_->address());
    for (int i = 0; i < kHosts; ++i) ExpectShown(i, "test", kShownRunning);
  }

  void Virsh(int host, std::vector<std::string> arguments) {
    ASSERT_THAT(libvirtds_[host]->Virsh(std::move(arguments)), IsOk());
  }

  void Define(int host, const std::string& guest) {
    const std::string file = absl::StrCat(testing::TempDir(), "/guest.xml");
    ASSERT_THAT(
        WriteFileAtomically(
            file, lab::GuestXml(lab::Driver::kTest, {.name = guest}), 0600),
        IsOk());
    Virsh(host, {"define", file});
  }

  void ExpectShown(int host, const std::string& guest,
                   const std::string& shown) {
    EXPECT_TRUE(Eventually(
        [&] {
          return ShownIn(chef_->GetNode(NodeName(host)).value_or(""), guest);
        },
        shown));
  }

  std::string Log() { return ReadFile(controller_->log_file()).value_or(""); }

  std::unique_ptr<lab::Goiardi> chef_;
  std::vector<std::unique_ptr<lab::FlatLibvirtd>> libvirtds_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<FrontEnd> front_end_;
};

TEST_F(ChefRestartTest, ChangesMadeBeforeAndWhileTheServerIsAwayArrive) {
  // Just before: their writes may be done, under way or not begun.
  for (int i = 0; i < kHosts; ++i) Virsh(i, {"suspend", "test"});
  ASSERT_THAT(chef_->Stop(), IsOk());
  // While it is away: a guest that is back as it was, another, and one gone.
  Virsh(0, {"resume", "test"});
  Define(0, "web01");
  Define(1, "db01");
  Virsh(2, {"destroy", "test"});
  Virsh(2, {"undefine", "test"});

  // Front ends are answered, with the newest and with what stands against it.
  const auto pending_on_the_server =
      AllOf(Property(&v1::SyncStatus::state, v1::SYNC_STATE_PENDING),
            Property(&v1::SyncStatus::last_error, HasSubstr(chef_->url())),
            Property(&v1::SyncStatus::has_next_try_at, true));
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_TRUE(
        Eventually([&] { return front_end_->SyncStatusOf(NodeName(i)); },
                   pending_on_the_server));
    EXPECT_EQ(front_end_->PresenceOf(NodeName(i)), v1::PRESENCE_CURRENT);
  }
  EXPECT_TRUE(Eventually([&] { return front_end_->StateOf("db01"); },
                         "GUEST_STATE_SHUT_OFF"));
  EXPECT_TRUE(Eventually([&] { return Log(); }, HasSubstr("chef server down")));
  EXPECT_THAT(Log(), Not(HasSubstr("chef server back")));

  ASSERT_THAT(chef_->Resume(), IsOk());

  ExpectShown(0, "test", kShownRunning);
  ExpectShown(0, "web01", kShownShutOff);
  ExpectShown(1, "test", kShownPaused);
  ExpectShown(1, "db01", kShownShutOff);
  ExpectShown(2, "test", kShownNowhere);
  EXPECT_TRUE(Eventually([&] { return Log(); }, HasSubstr("chef server back")));
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_TRUE(Eventually(
        [&] { return front_end_->SyncStatusOf(NodeName(i)); },
        AllOf(Property(&v1::SyncStatus::state, v1::SYNC_STATE_SYNCED),
              Property(&v1::SyncStatus::last_error, ""))));
  }
}

}  // namespace
}  // namespace rehai::integration
