// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CHEF_SERVICE_H_
#define CONTROLLER_API_CHEF_SERVICE_H_

#include <functional>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// Who answers the Chef service's questions. Called by several threads at once;
// none may wait for Chef, so `cost` is answered later, once, on any thread.
struct ChefAnswers {
  using CostDone =
      absl::AnyInvocable<void(absl::StatusOr<v1::ChefCostResponse>)>;

  std::function<v1::ChefStatus()> status;
  std::function<absl::StatusOr<v1::ChefLimits>(const v1::ChefLimits&)>
      set_limits;
  std::function<void(const HostId&, CostDone)> cost;
};

std::unique_ptr<grpc::Service> MakeChefService(ChefAnswers answers);

}  // namespace rehai

#endif  // CONTROLLER_API_CHEF_SERVICE_H_
