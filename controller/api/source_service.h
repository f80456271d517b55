// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_SOURCE_SERVICE_H_
#define CONTROLLER_API_SOURCE_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/source.pb.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// Who answers the Source service's questions and does what it commands. Called
// by several threads at once; all must be set, but where it says otherwise, and
// none may wait for a host.
struct SourceAnswers {
  std::function<v1::SourceStatus()> status;
  // All, sorted by node.
  std::function<std::vector<v1::Connection>()> connections;
  // All that have spoken, sorted by node. Not set: agents are not listened to.
  std::function<std::vector<v1::AgentState>()> agents;
  // Dials those of these hosts that wait; gives how many did.
  std::function<int(const std::vector<HostId>&)> retry;
  // The hosts that the brake holds leave the fleet; gives their node names.
  // kFailedPrecondition: there are not as many as expected, or none.
  std::function<absl::StatusOr<std::vector<std::string>>(int expected)>
      confirm_discovery;
  // The host's guests that the brake holds are gone; gives which.
  // kFailedPrecondition: it holds none of this host's.
  std::function<absl::StatusOr<std::vector<GuestId>>(const HostId&)>
      confirm_disappearance;
  // The host's UUID is from now on the one that it answers with; gives it.
  // kFailedPrecondition: there is nothing to accept, or another host's it is.
  std::function<absl::StatusOr<std::string>(const HostId&)> accept_identity;
};

// Selects, filters and pages what `answers` gives, and logs each command with
// who gave it and what came of it. A host that is not in the inventory is
// NOT_FOUND without asking. The inventory must outlive the service.
std::unique_ptr<grpc::Service> MakeSourceService(const Inventory& inventory,
                                                 SourceAnswers answers);

}  // namespace rehai

#endif  // CONTROLLER_API_SOURCE_SERVICE_H_
