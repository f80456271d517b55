// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What happened to a guest on real hypervisors can be asked for afterwards,
// also of a controller that was killed meanwhile.

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/proto_time.h"
#include "rehai/v1/history.grpc.pb.h"
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

using ::testing::ElementsAre;

constexpr int kHosts = 2;
constexpr char kUuid[] = "11111111-2222-4333-8444-555555555555";

class HistoryTest : public testing::Test {
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
      const std::string node = absl::StrCat("hv", i);
      hosts.push_back({.node = node, .uri = libvirtds_[i]->uri()});
      ASSERT_THAT(chef_->CreateNode(SmallNode(node)), IsOk());
    }
    auto controller = lab::ControllerProcess::Start(
        *chef_, {.hosts = std::move(hosts),
                 .more_config = absl::StrCat(
                     "state: {dir: ", testing::TempDir(), "/state}\n")});
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    Connect();
    for (int i = 0; i < kHosts; ++i) {
      EXPECT_TRUE(Eventually(
          [&] { return front_end_->PresenceOf(absl::StrCat("hv", i)); },
          v1::PRESENCE_CURRENT));
    }
  }

  void Connect() {
    front_end_ = std::make_unique<FrontEnd>(controller_->address());
    history_ = v1::History::NewStub(grpc::CreateChannel(
        controller_->address(), grpc::InsecureChannelCredentials()));
  }

  void Virsh(int host, std::vector<std::string> arguments) {
    ASSERT_THAT(libvirtds_[host]->Virsh(std::move(arguments)), IsOk());
  }
  void Define(int host) {
    const std::string file = absl::StrCat(testing::TempDir(), "/guest.xml");
    ASSERT_THAT(
        WriteFileAtomically(
            file,
            lab::GuestXml(lab::Driver::kTest, {.name = "web01", .uuid = kUuid}),
            0600),
        IsOk());
    Virsh(host, {"define", file});
  }
  void ExpectState(const std::string& state) {
    EXPECT_TRUE(
        Eventually([&] { return front_end_->StateOf("web01"); }, state));
  }

  template <typename Request, typename Response>
  Response Ask(grpc::Status (v1::History::Stub::*method)(grpc::ClientContext*,
                                                         const Request&,
                                                         Response*),
               const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
    Response response;
    const grpc::Status status =
        (history_.get()->*method)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // "GUEST_STARTED hv0", the oldest first.
  std::vector<std::string> Timeline() {
    v1::ListEventsRequest request;
    request.set_guest_uuid(kUuid);
    request.set_oldest_first(true);
    std::vector<std::string> lines;
    all_shown_ = true;
    const auto page = Ask(&v1::History::Stub::ListEvents, request);
    for (const v1::HistoryEvent& event : page.events()) {
      // A list may have lacked it before its end was told of; that is chance.
      if (event.kind() == v1::EVENT_KIND_GUEST_MISSING) continue;
      lines.push_back(absl::StrCat(
          v1::EventKind_Name(event.kind()).substr(11), " ", event.node(),
          event.other_node().empty() ? "" : " from ", event.other_node()));
      all_shown_ = all_shown_ && event.has_shown_at() &&
                   FromProto(event.shown_at()) >= FromProto(event.at());
    }
    return lines;
  }
  // Where it was, and how.
  std::string At(absl::Time time) {
    v1::ListGuestsAsOfRequest request;
    *request.mutable_at() = ToProto(time);
    request.set_guest_name("web01");
    std::string places;
    const auto page = Ask(&v1::History::Stub::ListGuestsAsOf, request);
    for (const v1::GuestAsOf& guest : page.guests()) {
      absl::StrAppend(&places, guest.node(), " ",
                      v1::GuestState_Name(guest.guest().state()), ";");
    }
    return places;
  }
  std::string Became(absl::Time from, absl::Time to) {
    v1::HistoryDiffRequest request;
    *request.mutable_from() = ToProto(from);
    *request.mutable_to() = ToProto(to);
    std::string lines;
    const auto page = Ask(&v1::History::Stub::Diff, request);
    for (const v1::GuestDifference& difference : page.differences()) {
      if (difference.guest_uuid() != kUuid) continue;
      absl::StrAppend(&lines, v1::DifferenceKind_Name(difference.kind()), " ",
                      difference.before().node(), "-",
                      difference.after().node(), ";");
    }
    return lines;
  }

  std::unique_ptr<lab::Goiardi> chef_;
  std::vector<std::unique_ptr<lab::FlatLibvirtd>> libvirtds_;
  std::unique_ptr<lab::ControllerProcess> controller_;
  std::unique_ptr<FrontEnd> front_end_;
  std::unique_ptr<v1::History::Stub> history_;
  bool all_shown_ = false;  // of the last Timeline()
};

TEST_F(HistoryTest, AGuestsLifeCanBeAskedForAlsoAfterARestart) {
  const absl::Time before = Clock::Real().Now();
  Define(0);
  ExpectState("GUEST_STATE_SHUT_OFF");
  Virsh(0, {"start", "web01"});
  ExpectState("GUEST_STATE_RUNNING");
  const absl::Time running = Clock::Real().Now();
  Virsh(0, {"destroy", "web01"});
  ExpectState("GUEST_STATE_SHUT_OFF");
  Virsh(0, {"undefine", "web01"});
  ExpectState("NOT_FOUND");
  const absl::Time gone = Clock::Real().Now();
  Define(1);
  ExpectState("GUEST_STATE_SHUT_OFF");

  const auto life =
      ElementsAre("GUEST_CREATED hv0", "GUEST_STARTED hv0", "GUEST_STOPPED hv0",
                  "GUEST_GONE hv0", "GUEST_MOVED_IN hv1 from hv0");
  EXPECT_TRUE(Eventually([&] { return Timeline(); }, life));
  EXPECT_TRUE(Eventually(
      [&] {
        Timeline();
        return all_shown_;
      },
      true));
  const absl::Time end = Clock::Real().Now();

  controller_->process().Signal(SIGKILL);
  ASSERT_THAT(controller_->Restart(), IsOk());
  Connect();
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_TRUE(Eventually(
        [&] { return front_end_->PresenceOf(absl::StrCat("hv", i)); },
        v1::PRESENCE_CURRENT));
  }
  // It is as it was, so nothing is told of it.
  EXPECT_THAT(Timeline(), life);
  EXPECT_EQ(At(running), "hv0 GUEST_STATE_RUNNING;");
  EXPECT_EQ(At(gone), "");
  EXPECT_EQ(At(end), "hv1 GUEST_STATE_SHUT_OFF;");
  EXPECT_EQ(Became(before, running), "DIFFERENCE_KIND_APPEARED -hv0;");
  EXPECT_EQ(Became(running, end), "DIFFERENCE_KIND_MOVED hv0-hv1;");
  EXPECT_EQ(Became(running, gone), "DIFFERENCE_KIND_GONE hv0-;");
  EXPECT_EQ(Became(before, gone), "");
}

}  // namespace
}  // namespace rehai::integration
