// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/chef_service.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "absl/status/status.h"
#include "controller/api/grpc_status.h"
#include "controller/api/late_answer.h"
#include "rehai/v1/chef.grpc.pb.h"

namespace rehai {
namespace {

class ChefService final : public v1::Chef::CallbackService {
 public:
  explicit ChefService(ChefAnswers answers) : answers_(std::move(answers)) {}

  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context,
                                   const v1::ChefStatusRequest*,
                                   v1::ChefStatusResponse* response) override {
    *response->mutable_status() = answers_.status();
    return Finish(context, absl::OkStatus());
  }

  grpc::ServerUnaryReactor* SetLimits(
      grpc::CallbackServerContext* context,
      const v1::ChefSetLimitsRequest* request,
      v1::ChefSetLimitsResponse* response) override {
    absl::StatusOr<v1::ChefLimits> limits =
        answers_.set_limits(request->limits());
    if (limits.ok()) *response->mutable_limits() = *std::move(limits);
    return Finish(context, limits.status());
  }

  grpc::ServerUnaryReactor* Cost(grpc::CallbackServerContext* context,
                                 const v1::ChefCostRequest* request,
                                 v1::ChefCostResponse* response) override {
    if (request->node().empty()) {
      return Finish(context, absl::InvalidArgumentError(
                                 "node: empty; name the host's Chef node"));
    }
    auto call = LateAnswer<v1::ChefCostResponse>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    answers_.cost(
        HostId{request->node()},
        [call = std::move(call)](absl::StatusOr<v1::ChefCostResponse> cost) {
          call->Answer(std::move(cost));
        });
    return reactor;
  }

 private:
  static grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
                                          const absl::Status& status) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(status));
    return reactor;
  }

  const ChefAnswers answers_;  // set at construction
};

}  // namespace

std::unique_ptr<grpc::Service> MakeChefService(ChefAnswers answers) {
  return std::make_unique<ChefService>(std::move(answers));
}

}  // namespace rehai
