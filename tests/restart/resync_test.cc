// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A resync over restarts of the controller: promise 3, that nothing is lost.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rehai/v1/resync.grpc.pb.h"
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
using integration::SmallNode;

constexpr int kHosts = 4;
constexpr absl::Duration kPatience = absl::Minutes(2);

std::string NodeName(int host) { return absl::StrCat("hv", host); }

class ResyncRestartTest : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = lab::TempFolder::Create("resync");
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
    options.more_config = absl::StrCat("state:\n  dir: ", *folder_ / "state",
                                       "\npull:\n  reconnect_min: 200ms\n");
    auto controller = lab::ControllerProcess::Start(*chef_, std::move(options));
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    Meet();
    for (int i = 0; i < kHosts; ++i) {
      FrontEnd front_end(controller_->address());
      ASSERT_TRUE(Eventually(
          [&] { return front_end.SyncStatusOf(NodeName(i)).state(); },
          v1::SYNC_STATE_SYNCED, kPatience));
    }
  }

  // Restarts listen on another port.
  void Meet() {
    resync_ = v1::Resync::NewStub(grpc::CreateChannel(
        controller_->address(), grpc::InsecureChannelCredentials()));
  }
  void Restart() {
    ASSERT_THAT(controller_->Restart(), IsOk());
    Meet();
  }
  void KillAndRestart() {
    controller_->process().Signal(SIGKILL);
    ASSERT_TRUE(controller_->process().Wait(absl::Seconds(10)).ok());
    Restart();
  }

  template <typename Response, typename Request>
  Response Call(grpc::Status (v1::Resync::Stub::*method)(grpc::ClientContext*,
                                                         const Request&,
                                                         Response*),
                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    Response response;
    const grpc::Status status =
        (resync_.get()->*method)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::Operation Get(const std::string& id) {
    v1::ResyncGetRequest request;
    request.set_id(id);
    return Call(&v1::Resync::Stub::Get, request).operation();
  }
  // One that takes some seconds.
  v1::ResyncStartRequest Slow() {
    v1::ResyncStartRequest request;
    request.add_modes(v1::RESYNC_MODE_REREAD);
    request.add_modes(v1::RESYNC_MODE_REWRITE);
    request.mutable_pace()->set_hosts_per_second(0.5);
    request.set_idempotency_key("slow");
    return request;
  }
  v1::ResyncStartResponse Start(const v1::ResyncStartRequest& request) {
    return Call(&v1::Resync::Stub::Start, request);
  }

  std::unique_ptr<lab::TempFolder> folder_;
  std::unique_ptr<lab::Goiardi> chef_;
  std::vector<std::unique_ptr<lab::FlatLibvirtd>> libvirtds_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<v1::Resync::Stub> resync_;
};

TEST_F(ResyncRestartTest, GoesOnAfterAStopAndAKillAndIsFoundByItsKey) {
  const std::string id = Start(Slow()).operation().id();
  ASSERT_TRUE(Eventually([&] { return Get(id).done() > 0; }, true, kPatience));
  Restart();
  const v1::Operation stopped = Get(id);
  EXPECT_FALSE(stopped.has_ended_at());
  EXPECT_GT(stopped.done(), 0);
  EXPECT_LT(stopped.done(), kHosts);
  KillAndRestart();
  const v1::ResyncStartResponse again = Start(Slow());
  EXPECT_TRUE(again.existed());
  EXPECT_EQ(again.operation().id(), id);
  ASSERT_TRUE(
      Eventually([&] { return Get(id).has_ended_at(); }, true, kPatience));
  const v1::Operation ended = Get(id);
  EXPECT_EQ(ended.total(), kHosts);
  EXPECT_FALSE(ended.canceled());
  for (const v1::HostResult& host : ended.hosts()) {
    EXPECT_TRUE(host.outcome() == v1::HOST_OUTCOME_UNCHANGED ||
                host.outcome() == v1::HOST_OUTCOME_WRITTEN)
        << host.ShortDebugString();
  }
}

TEST_F(ResyncRestartTest, APausedOneIsStillPaused) {
  const std::string id = Start(Slow()).operation().id();
  v1::ResyncPauseRequest pause;
  pause.set_id(id);
  Call(&v1::Resync::Stub::Pause, pause);
  Restart();
  EXPECT_EQ(Get(id).state(), v1::OPERATION_STATE_PAUSED);
  v1::ResyncResumeRequest resume;
  resume.set_id(id);
  Call(&v1::Resync::Stub::Resume, resume);
  EXPECT_TRUE(
      Eventually([&] { return Get(id).has_ended_at(); }, true, kPatience));
}

}  // namespace
}  // namespace rehai::restart
