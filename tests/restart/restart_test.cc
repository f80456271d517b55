// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A restart of the controller: promises 1, 3, 5 and 7.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::restart {
namespace {

using integration::Eventually;
using integration::FrontEnd;
using integration::kShownPaused;
using integration::ShownIn;
using integration::SmallNode;
using ::testing::HasSubstr;

constexpr int kHosts = 20;
constexpr absl::Duration kPatience = absl::Minutes(2);

std::string NodeName(int host) { return absl::StrCat("hv", host); }

class RestartTest : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = lab::TempFolder::Create("restart");
    ASSERT_THAT(folder, IsOk());
    folder_ = *std::move(folder);
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
    lab::ControllerProcess::Options options;
    options.hosts = std::move(hosts);
    // No sweep is to be taken for the restart's search.
    options.more_sync = "  sweep_interval: 1h\n";
    options.more_config = absl::StrCat("state:\n  dir: ", *folder_ / "state",
                                       "\npull:\n  reconnect_min: 200ms\n");
    auto controller = lab::ControllerProcess::Start(*chef_, std::move(options));
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    Meet();
    ExpectAllSynced();
  }

  // Restarts listen on another port.
  void Meet() {
    front_end_ = std::make_unique<FrontEnd>(controller_->address());
  }
  void Restart() {
    ASSERT_THAT(controller_->Restart(), IsOk());
    Meet();
  }
  // A stop keeps all there is, where a kill may lose the last moment.
  void KeepAll() {
    Restart();
    ExpectAllSynced();
  }
  void Kill() {
    controller_->process().Signal(SIGKILL);
    ASSERT_TRUE(controller_->process().Wait(absl::Seconds(10)).ok());
  }
  void KillAndRestart() {
    Kill();
    Restart();
  }

  void ExpectAllSynced() {
    for (int i = 0; i < kHosts; ++i) {
      EXPECT_TRUE(Eventually(
          [&] { return front_end_->SyncStatusOf(NodeName(i)).state(); },
          v1::SYNC_STATE_SYNCED, kPatience));
      EXPECT_TRUE(
          Eventually([&] { return front_end_->PresenceOf(NodeName(i)); },
                     v1::PRESENCE_CURRENT, kPatience));
    }
  }
  v1::ChefStatus Chef() {
    const auto status = front_end_->ChefStatus();
    EXPECT_THAT(status, IsOk());
    return status.value_or(v1::ChefStatus());
  }
  int64_t Outcomes() {
    const v1::ChefStatus status = Chef();
    int64_t count = 0;
    for (const auto& outcome : status.outcomes()) count += outcome.count();
    return count;
  }
  std::string ShownInChef(int host, const std::string& guest) {
    return ShownIn(chef_->GetNode(NodeName(host)).value_or(""), guest);
  }

  std::unique_ptr<lab::TempFolder> folder_;
  std::unique_ptr<lab::Goiardi> chef_;
  std::vector<std::unique_ptr<lab::FlatLibvirtd>> libvirtds_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<FrontEnd> front_end_;
};

TEST_F(RestartTest, UnchangedFleetCostsOneSearchAndNothingElse) {
  Restart();
  ExpectAllSynced();
  EXPECT_EQ(Chef().sweep().searches(), 1);
  EXPECT_EQ(Outcomes(), 0) << "no node was read or written";
  // Not even as a surprise.
  KillAndRestart();
  ExpectAllSynced();
  EXPECT_EQ(Chef().sweep().searches(), 1);
  EXPECT_EQ(Outcomes(), 0);
}

TEST_F(RestartTest, ApiAnswersAtOnceWithWhatWasKnownAndHowOldItIs) {
  KeepAll();
  // What cannot be read stays to be seen.
  for (int i = 0; i < kHosts; ++i) {
    libvirtds_[i]->process().Signal(SIGSTOP);
  }
  KillAndRestart();
  for (int i = 0; i < kHosts; ++i) {
    const auto host = front_end_->GetHost(NodeName(i));
    ASSERT_THAT(host, IsOk());
    EXPECT_EQ(host->presence(), v1::PRESENCE_STALE);
    EXPECT_TRUE(host->has_confirmed_at());
    EXPECT_THAT(host->ShortDebugString(), HasSubstr("before the restart"));
  }
  EXPECT_EQ(front_end_->StateOf("test"), "GUEST_STATE_RUNNING");
  for (int i = 0; i < kHosts; ++i) {
    libvirtds_[i]->process().Signal(SIGCONT);
  }
  ExpectAllSynced();
}

TEST_F(RestartTest, WhatChangedWhileItWasDownIsWrittenAfterwards) {
  KeepAll();
  Kill();
  ASSERT_THAT(libvirtds_[3]->Virsh({"suspend", "test"}), IsOk());
  Restart();
  EXPECT_TRUE(Eventually([&] { return ShownInChef(3, "test"); }, kShownPaused,
                         kPatience));
  ExpectAllSynced();
  EXPECT_EQ(Outcomes(), 1);
}

}  // namespace
}  // namespace rehai::restart
