// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/connection_list.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controller/api/named_hosts.h"
#include "controller/api/node_page.h"

namespace rehai {
namespace {

absl::Status CheckStates(const v1::ListConnectionsRequest& request) {
  for (const int state : request.states()) {
    if (!v1::ConnectionState_IsValid(state) ||
        state == v1::CONNECTION_STATE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat("states: ", state,
                       " is not a connection's state; see "
                       "rehai.v1.ConnectionState"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ListConnectionsResponse> ListConnections(
    const v1::ListConnectionsRequest& request,
    const std::vector<v1::Connection>& connections,
    const Inventory& inventory) {
  RETURN_IF_ERROR(CheckStates(request));
  const auto& states = request.states();
  return NodePage<v1::ListConnectionsResponse>(
      request, connections, inventory,
      [&states](const v1::Connection& connection) {
        return states.empty() || std::find(states.begin(), states.end(),
                                           connection.state()) != states.end();
      },
      &v1::ListConnectionsResponse::mutable_connections);
}

absl::StatusOr<std::vector<HostId>> SelectConnected(
    const v1::HostSelector& selector,
    const std::vector<v1::Connection>& connections,
    const Inventory& inventory) {
  RETURN_IF_ERROR(CheckNodes(selector, inventory));
  std::vector<HostId> hosts;
  for (const v1::Connection& connection : connections) {
    if (MeansNode(selector, connection.node(), inventory)) {
      hosts.push_back(HostId{connection.node()});
    }
  }
  return hosts;
}

}  // namespace rehai
