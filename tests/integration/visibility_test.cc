// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A front end that has just changed a guest waits until Chef shows it, on real
// parts; and an operator asks why a node holds what it holds.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rehai/v1/checks.grpc.pb.h"
#include "rehai/v1/explain.grpc.pb.h"
#include "rehai/v1/visibility.grpc.pb.h"
#include "tests/integration/eventually.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/lab.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Property;

// Two simulated hosts.
class VisibilityTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = chef->release();
    auto lab = lab::Lab::Start({.qemu_hosts = 0, .test_hosts = 2});
    ASSERT_THAT(lab, IsOk());
    lab_ = lab->release();
    for (int i = 0; i < lab_->size(); ++i) {
      ASSERT_THAT(chef_->CreateNode(SmallNode(lab_->host(i).node())), IsOk());
    }
    // Without a sweep within the test, but for those that are waited for.
    auto controller = lab::ControllerProcess::Start(
        *chef_,
        {.hosts = lab::HostsOf(*lab_), .more_sync = "  sweep_interval: 1h\n"});
    ASSERT_THAT(controller, IsOk());
    controller_ = controller->release();
    const auto channel = grpc::CreateChannel(
        controller_->address(), grpc::InsecureChannelCredentials());
    visibility_ = v1::Visibility::NewStub(channel).release();
    explanations_ = v1::Explanations::NewStub(channel).release();
    checks_ = v1::Checks::NewStub(channel).release();
  }
  static void TearDownTestSuite() {
    delete std::exchange(checks_, nullptr);
    delete std::exchange(explanations_, nullptr);
    delete std::exchange(visibility_, nullptr);
    delete std::exchange(controller_, nullptr);
    delete std::exchange(lab_, nullptr);
    delete std::exchange(chef_, nullptr);
  }

  void SetUp() override { ASSERT_NE(checks_, nullptr); }

  static lab::Host& host(int i = 0) { return lab_->host(i); }
  static std::string Node(int i = 0) {
    return chef_->GetNode(host(i).node()).value_or("");
  }

  static v1::WaitVisibleRequest For(const std::string& guest) {
    v1::WaitVisibleRequest request;
    request.set_guest_name(guest);
    return request;
  }

  template <typename Response, typename Stub, typename Request>
  static absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request,
      std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }
  static absl::StatusOr<v1::WaitVisibleResponse> Wait(
      const v1::WaitVisibleRequest& request,
      std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    return Call(*visibility_, &v1::Visibility::Stub::WaitVisible, request,
                patience);
  }

  static lab::Goiardi* chef_;
  static lab::Lab* lab_;
  static lab::ControllerProcess* controller_;
  static v1::Visibility::Stub* visibility_;
  static v1::Explanations::Stub* explanations_;
  static v1::Checks::Stub* checks_;
};

lab::Goiardi* VisibilityTest::chef_ = nullptr;
lab::Lab* VisibilityTest::lab_ = nullptr;
lab::ControllerProcess* VisibilityTest::controller_ = nullptr;
v1::Visibility::Stub* VisibilityTest::visibility_ = nullptr;
v1::Explanations::Stub* VisibilityTest::explanations_ = nullptr;
v1::Checks::Stub* VisibilityTest::checks_ = nullptr;

TEST_F(VisibilityTest, WhatWasWaitedForIsInChefAtOnce) {
  ASSERT_THAT(host().Define({.name = "web01", .vcpus = 2}), IsOk());
  ASSERT_THAT(Wait(For("web01")), IsOk());
  EXPECT_EQ(ShownIn(Node(), "web01"), kShownShutOff);

  ASSERT_THAT(host().StartGuest("web01"), IsOk());
  v1::WaitVisibleRequest running = For("web01");
  running.add_states(v1::GUEST_STATE_RUNNING);
  const auto shown = Wait(running);
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(ShownIn(Node(), "web01"), kShownRunning);
  EXPECT_EQ(shown->receipt().node(), host().node());
  EXPECT_TRUE(shown->receipt().has_observed_at());
  EXPECT_TRUE(shown->receipt().has_verified_at());

  ASSERT_THAT(host().Destroy("web01"), IsOk());
  ASSERT_THAT(host().Undefine("web01"), IsOk());
  v1::WaitVisibleRequest gone = For("web01");
  gone.set_absent(true);
  ASSERT_THAT(Wait(gone), IsOk());
  EXPECT_EQ(ShownIn(Node(), "web01"), kShownNowhere);
}

TEST_F(VisibilityTest, WhoWaitsForASearchNeedNotWaitForTheNextSweep) {
  ASSERT_THAT(host().Define({.name = "db01"}), IsOk());
  v1::WaitVisibleRequest request = For("db01");
  request.set_level(v1::VISIBILITY_LEVEL_SEARCHABLE);
  const auto shown = Wait(request);
  ASSERT_THAT(shown, IsOk());
  EXPECT_EQ(shown->receipt().level(), v1::VISIBILITY_LEVEL_SEARCHABLE);
}

TEST_F(VisibilityTest, WhoWaitsInVainIsToldWhyWithinTheCallsDeadline) {
  const auto shown = Wait(For("nobody"), std::chrono::seconds(2));
  EXPECT_THAT(shown, StatusIs(absl::StatusCode::kDeadlineExceeded,
                              HasSubstr("guest nobody: no host has it yet")));
}

TEST_F(VisibilityTest, AnOperatorIsToldWhyAValueIsMissing) {
  const std::string node = host(1).node();
  ASSERT_THAT(host(1).Define({.name = "mail.example.com"}), IsOk());
  ASSERT_THAT(Wait(For("mail.example.com")), IsOk());
  v1::ExplainRequest request;
  request.set_node(node);
  request.set_path("virtualization.kvm.guests.mail.example.com.State");
  const auto explain = [&] {
    auto answer =
        Call(*explanations_, &v1::Explanations::Stub::Explain, request);
    return answer.ok() ? answer->explanation() : v1::Explanation();
  };
  v1::Explanation explanation = explain();
  EXPECT_EQ(explanation.verdict(), v1::EXPLAIN_VERDICT_IN_PLACE)
      << explanation.ShortDebugString();
  EXPECT_EQ(explanation.chef_value(), "\"shut off\"");
  EXPECT_EQ(explanation.fact().field(), "guests[mail.example.com].state");

  // A hand takes all of it out, and no sweep comes.
  ASSERT_THAT(chef_->PutNode(node, SmallNode(node)), IsOk());
  explanation = explain();
  EXPECT_EQ(explanation.verdict(), v1::EXPLAIN_VERDICT_MISSING);
  EXPECT_THAT(explanation.reasons(),
              Contains(Property(&v1::ExplainReason::type,
                                v1::EXPLAIN_REASON_TYPE_DRIFT_NOT_FOUND_YET)));
}

TEST_F(VisibilityTest, ANameOfTwoGuestsIsFoundAndGoes) {
  ASSERT_THAT(host(0).Define({.name = "twin"}), IsOk());
  ASSERT_THAT(host(1).Define({.name = "twin"}), IsOk());
  const auto subjects = [] {
    v1::ListFindingsRequest request;
    request.add_types(v1::FINDING_TYPE_DUPLICATE_NAME);
    const auto found = Call(*checks_, &v1::Checks::Stub::ListFindings, request);
    std::vector<std::string> subjects;
    if (!found.ok()) return subjects;
    for (const v1::Finding& finding : found->findings()) {
      // The test driver's own guest is on every such host.
      if (finding.subject() != "test") subjects.push_back(finding.subject());
    }
    return subjects;
  };
  EXPECT_TRUE(Eventually(subjects, ElementsAre("twin")));
  ASSERT_THAT(host(1).Undefine("twin"), IsOk());
  EXPECT_TRUE(Eventually(subjects, testing::IsEmpty()));
}

}  // namespace
}  // namespace rehai::integration
