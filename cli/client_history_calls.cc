// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/proto_time.h"
#include "cli/client_connection.h"

namespace rehai::cli {

namespace {

// A server that gives up in time gets its word in before we do.
constexpr absl::Duration kWaitAnswer = absl::Seconds(5);

}  // namespace

absl::StatusOr<v1::ListEventsResponse> Client::ListEvents(
    const v1::ListEventsRequest& request, int64_t limit) {
  return connection_->Paged(*connection_->history,
                            &v1::History::Stub::ListEvents, request, limit,
                            [](const auto& all) { return all.events_size(); });
}

absl::StatusOr<v1::ListGuestsAsOfResponse> Client::ListGuestsAsOf(
    const v1::ListGuestsAsOfRequest& request) {
  return connection_->Paged(*connection_->history,
                            &v1::History::Stub::ListGuestsAsOf, request, 0,
                            [](const auto& all) { return all.guests_size(); });
}

absl::StatusOr<v1::ListHostsAsOfResponse> Client::ListHostsAsOf(
    const v1::ListHostsAsOfRequest& request) {
  return connection_->Paged(*connection_->history,
                            &v1::History::Stub::ListHostsAsOf, request, 0,
                            [](const auto& all) { return all.hosts_size(); });
}

absl::StatusOr<v1::HistoryDiffResponse> Client::HistoryDiff(
    const v1::HistoryDiffRequest& request) {
  return connection_->Paged(
      *connection_->history, &v1::History::Stub::Diff, request, 0,
      [](const auto& all) { return all.differences_size(); });
}

absl::StatusOr<v1::GetReceiptsResponse> Client::GetReceipts(
    const v1::GetReceiptsRequest& request) {
  return connection_->Call(*connection_->visibility,
                           &v1::Visibility::Stub::GetReceipts, request);
}

absl::StatusOr<v1::WaitVisibleResponse> Client::WaitVisible(
    const v1::WaitVisibleRequest& request) {
  absl::StatusOr<v1::WaitVisibleResponse> response = connection_->CallWithin(
      FromProto(request.timeout()) + kWaitAnswer, *connection_->visibility,
      &v1::Visibility::Stub::WaitVisible, request);
  if (response.status().GetPayload(kNoAnswer)) {
    return absl::UnavailableError(response.status().message());
  }
  return response;
}

absl::StatusOr<v1::ExplainResponse> Client::Explain(
    const v1::ExplainRequest& request) {
  return connection_->Call(*connection_->explanations,
                           &v1::Explanations::Stub::Explain, request);
}

absl::StatusOr<v1::ListEntriesResponse> Client::ListAuditEntries(
    const v1::ListEntriesRequest& request, int64_t limit) {
  return connection_->Paged(*connection_->audit, &v1::Audit::Stub::ListEntries,
                            request, limit,
                            [](const auto& all) { return all.entries_size(); });
}

}  // namespace rehai::cli
