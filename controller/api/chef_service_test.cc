// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/chef_service.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "tests/fakes/test_controller.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

// Long enough never to matter on a busy machine.
constexpr absl::Duration kPatience = absl::Minutes(1);

class ChefServiceTest : public testing::Test {
 protected:
  // The answer, or the status in absl's type.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(
      grpc::Status (v1::Chef::Stub::*method)(grpc::ClientContext*,
                                             const Request&, Response*),
      const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoSeconds(kPatience));
    Response response;
    const grpc::Status status =
        (stub_.get()->*method)(&context, request, &response);
    if (status.ok()) return response;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

  TestController controller_;
  const std::unique_ptr<v1::Chef::Stub> stub_ =
      v1::Chef::NewStub(grpc::CreateChannel(
          controller_.address(), grpc::InsecureChannelCredentials()));
};

TEST_F(ChefServiceTest, TellsHowChefIs) {
  v1::ChefStatus status;
  status.set_state(v1::SERVER_STATE_DOWN);
  status.set_error("no route to host");
  controller_.SetChefStatus(status);
  const auto got = Call(&v1::Chef::Stub::Status, v1::ChefStatusRequest());
  ASSERT_THAT(got, IsOk());
  EXPECT_THAT(got->status(), EqualsProto(status));
}

TEST_F(ChefServiceTest, LimitsAreSetOrRefused) {
  v1::ChefSetLimitsRequest request;
  request.mutable_limits()->set_requests_per_second(7);
  const auto set = Call(&v1::Chef::Stub::SetLimits, request);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->limits().requests_per_second(), 7);
  request.mutable_limits()->set_requests_per_second(-1);
  EXPECT_THAT(Call(&v1::Chef::Stub::SetLimits, request),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("requests_per_second")));
}

TEST_F(ChefServiceTest, TellsWhatAHostCosts) {
  v1::ChefCostResponse cost;
  cost.set_node("hv1");
  cost.set_node_bytes(88000);
  controller_.SetChefCost(cost);
  v1::ChefCostRequest request;
  request.set_node("hv1");
  const auto got = Call(&v1::Chef::Stub::Cost, request);
  ASSERT_THAT(got, IsOk());
  EXPECT_THAT(*got, EqualsProto(cost));
  request.set_node("hv9");
  EXPECT_THAT(Call(&v1::Chef::Stub::Cost, request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
  request.set_node("");
  EXPECT_THAT(Call(&v1::Chef::Stub::Cost, request),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ChefServiceTest, ACostThatNobodyWaitsForAnyMoreHurtsNothing) {
  controller_.HoldChefCosts();
  v1::ChefCostRequest request;
  request.set_node("hv1");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(50));
  v1::ChefCostResponse response;
  EXPECT_EQ(stub_->Cost(&context, request, &response).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  controller_.ReleaseChefCosts();  // answers a call that has ended
  controller_.server().Stop(kPatience);
}

}  // namespace
}  // namespace rehai
