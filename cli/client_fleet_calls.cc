// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/client_connection.h"

namespace rehai::cli {

absl::StatusOr<v1::ListHostsResponse> Client::ListHosts(
    const v1::ListHostsRequest& request, int64_t limit) {
  return connection_->Paged(*connection_->fleet, &v1::Fleet::Stub::ListHosts,
                            request, limit,
                            [](const auto& all) { return all.hosts_size(); });
}

absl::StatusOr<v1::ListGuestsResponse> Client::ListGuests(
    const v1::ListGuestsRequest& request, int64_t limit) {
  return connection_->Paged(*connection_->fleet, &v1::Fleet::Stub::ListGuests,
                            request, limit,
                            [](const auto& all) { return all.guests_size(); });
}

absl::StatusOr<v1::GetGuestResponse> Client::GetGuest(
    const v1::GetGuestRequest& request) {
  return connection_->Call(*connection_->fleet, &v1::Fleet::Stub::GetGuest,
                           request);
}

absl::StatusOr<v1::SummarizeResponse> Client::Summarize(
    const v1::SummarizeRequest& request) {
  return connection_->Call(*connection_->fleet, &v1::Fleet::Stub::Summarize,
                           request);
}

absl::StatusOr<v1::ListFindingsResponse> Client::ListFindings(
    const v1::ListFindingsRequest& request) {
  return connection_->Call(*connection_->checks,
                           &v1::Checks::Stub::ListFindings, request);
}

absl::Status Client::WatchFleet(
    const v1::FleetWatchRequest& request,
    const std::function<void(const v1::FleetWatchResponse&)>& step) {
  return connection_->Watch<v1::FleetWatchResponse>(
      [&](grpc::ClientContext* context) {
        return connection_->fleet->Watch(context, request);
      },
      [&](const v1::FleetWatchResponse& response) {
        step(response);
        return true;
      });
}

absl::Status Client::AwaitFleetChange(const v1::FleetWatchRequest& request) {
  return connection_->Watch<v1::FleetWatchResponse>(
      [&](grpc::ClientContext* context) {
        return connection_->fleet->Watch(context, request);
      },
      [&](const v1::FleetWatchResponse& response) {
        return response.kind() == v1::FleetWatchResponse::KIND_SYNCED;
      });
}

}  // namespace rehai::cli
