// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AGENT_LIST_H_
#define CONTROLLER_API_AGENT_LIST_H_

#include <vector>

#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// A page of `agents`, which are all there are, sorted by node. A host's labels
// are those of its Record. Errors are those of source.proto.
absl::StatusOr<v1::ListAgentsResponse> ListAgents(
    const v1::ListAgentsRequest& request,
    const std::vector<v1::AgentState>& agents, const Inventory& inventory);

}  // namespace rehai

#endif  // CONTROLLER_API_AGENT_LIST_H_
