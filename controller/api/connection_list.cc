// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/connection_list.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controller/api/named_hosts.h"
#include "controller/api/page_token.h"
#include "controller/sync/resync_operations.h"

namespace rehai {
namespace {

// Half of what gRPC clients accept by default, so that one more entry fits.
constexpr size_t kPageBytes = 2 << 20;

bool IsMeant(const v1::Connection& connection, const v1::HostSelector& selector,
             const Inventory& inventory) {
  const RecordPtr record = inventory.Find(HostId{connection.node()});
  if (record != nullptr) return Matches(selector, *record);
  // Just found or just forgotten: it has no labels, and nobody can name it.
  return selector.nodes().empty() && selector.labels().empty();
}

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

bool IsInStates(const v1::Connection& connection,
                const v1::ListConnectionsRequest& request) {
  const auto& states = request.states();
  return states.empty() || std::find(states.begin(), states.end(),
                                     connection.state()) != states.end();
}

// What must be the same from page to page.
v1::ListConnectionsRequest Question(v1::ListConnectionsRequest request) {
  request.clear_page_size();
  request.clear_page_token();
  return request;
}

}  // namespace

absl::StatusOr<v1::ListConnectionsResponse> ListConnections(
    const v1::ListConnectionsRequest& request,
    const std::vector<v1::Connection>& connections,
    const Inventory& inventory) {
  const v1::ListConnectionsRequest question = Question(request);
  ASSIGN_OR_RETURN(const int page_size, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string last_node,
                   ReadPageToken(request.page_token(), question));
  RETURN_IF_ERROR(CheckStates(request));
  RETURN_IF_ERROR(CheckNodes(request.selector(), inventory));

  v1::ListConnectionsResponse response;
  int total = 0;
  size_t bytes = 0;
  bool more = false;
  for (const v1::Connection& connection : connections) {
    if (!IsInStates(connection, request) ||
        !IsMeant(connection, request.selector(), inventory)) {
      continue;
    }
    ++total;
    if (connection.node() <= last_node) continue;
    if (response.connections_size() == page_size || bytes >= kPageBytes) {
      more = true;
      continue;
    }
    *response.add_connections() = connection;
    bytes += connection.ByteSizeLong();
  }
  response.set_total_size(total);
  if (more) {
    response.set_next_page_token(MakePageToken(
        response.connections(response.connections_size() - 1).node(),
        question));
  }
  return response;
}

absl::StatusOr<std::vector<HostId>> SelectConnected(
    const v1::HostSelector& selector,
    const std::vector<v1::Connection>& connections,
    const Inventory& inventory) {
  RETURN_IF_ERROR(CheckNodes(selector, inventory));
  std::vector<HostId> hosts;
  for (const v1::Connection& connection : connections) {
    if (IsMeant(connection, selector, inventory)) {
      hosts.push_back(HostId{connection.node()});
    }
  }
  return hosts;
}

}  // namespace rehai
