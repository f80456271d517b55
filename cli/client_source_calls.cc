// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/client_connection.h"

namespace rehai::cli {

absl::StatusOr<v1::ListConnectionsResponse> Client::ListConnections(
    const v1::HostSelector& selector,
    const std::vector<v1::ConnectionState>& states) {
  v1::ListConnectionsRequest request;
  *request.mutable_selector() = selector;
  for (const v1::ConnectionState state : states) request.add_states(state);
  return connection_->Paged(
      *connection_->source, &v1::Source::Stub::ListConnections, request, 0,
      [](const auto& all) { return all.connections_size(); });
}

absl::StatusOr<v1::ListAgentsResponse> Client::ListAgents(
    const v1::HostSelector& selector) {
  v1::ListAgentsRequest request;
  *request.mutable_selector() = selector;
  return connection_->Paged(*connection_->source, &v1::Source::Stub::ListAgents,
                            request, 0,
                            [](const auto& all) { return all.agents_size(); });
}

absl::StatusOr<v1::SourceStatus> Client::SourceStatus() {
  ASSIGN_OR_RETURN(
      const v1::SourceStatusResponse response,
      connection_->Call(*connection_->source, &v1::Source::Stub::Status,
                        v1::SourceStatusRequest()));
  return response.status();
}

absl::StatusOr<v1::RetryResponse> Client::Retry(
    const v1::HostSelector& selector) {
  v1::RetryRequest request;
  *request.mutable_selector() = selector;
  return connection_->Call(*connection_->source, &v1::Source::Stub::Retry,
                           request);
}

absl::StatusOr<v1::ConfirmDiscoveryResponse> Client::ConfirmDiscovery(
    int expected_held) {
  v1::ConfirmDiscoveryRequest request;
  request.set_expected_held(expected_held);
  return connection_->Call(*connection_->source,
                           &v1::Source::Stub::ConfirmDiscovery, request);
}

absl::StatusOr<v1::ConfirmDisappearanceResponse> Client::ConfirmDisappearance(
    const std::string& node) {
  v1::ConfirmDisappearanceRequest request;
  request.set_node(node);
  return connection_->Call(*connection_->source,
                           &v1::Source::Stub::ConfirmDisappearance, request);
}

absl::StatusOr<v1::AcceptIdentityResponse> Client::AcceptIdentity(
    const std::string& node) {
  v1::AcceptIdentityRequest request;
  request.set_node(node);
  return connection_->Call(*connection_->source,
                           &v1::Source::Stub::AcceptIdentity, request);
}

absl::StatusOr<v1::ChefStatus> Client::ChefStatus() {
  ASSIGN_OR_RETURN(
      const v1::ChefStatusResponse response,
      connection_->Call(*connection_->chef, &v1::Chef::Stub::Status,
                        v1::ChefStatusRequest()));
  return response.status();
}

absl::StatusOr<v1::ChefCostResponse> Client::ChefCost(const std::string& node) {
  v1::ChefCostRequest request;
  request.set_node(node);
  return connection_->Call(*connection_->chef, &v1::Chef::Stub::Cost, request);
}

absl::StatusOr<v1::ChefLimits> Client::SetChefLimits(
    const v1::ChefLimits& limits) {
  v1::ChefSetLimitsRequest request;
  *request.mutable_limits() = limits;
  ASSIGN_OR_RETURN(const v1::ChefSetLimitsResponse response,
                   connection_->Call(*connection_->chef,
                                     &v1::Chef::Stub::SetLimits, request));
  return response.limits();
}

}  // namespace rehai::cli
