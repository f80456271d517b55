// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_list.h"

#include "controller/api/node_page.h"

namespace rehai {

absl::StatusOr<v1::ListAgentsResponse> ListAgents(
    const v1::ListAgentsRequest& request,
    const std::vector<v1::AgentState>& agents, const Inventory& inventory) {
  return NodePage<v1::ListAgentsResponse>(
      request, agents, inventory, [](const v1::AgentState&) { return true; },
      &v1::ListAgentsResponse::mutable_agents);
}

}  // namespace rehai
