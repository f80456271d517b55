// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/client_connection.h"

namespace rehai::cli {

absl::StatusOr<v1::ResyncStartResponse> Client::StartResync(
    const v1::ResyncStartRequest& request) {
  return connection_->Call(*connection_->resync, &v1::Resync::Stub::Start,
                           request);
}

absl::StatusOr<v1::ResyncListResponse> Client::ListResyncs(
    const v1::ResyncListRequest& request, int64_t limit) {
  return connection_->Paged(
      *connection_->resync, &v1::Resync::Stub::List, request, limit,
      [](const auto& all) { return all.operations_size(); });
}

absl::StatusOr<v1::Operation> Client::GetResync(const std::string& id) {
  v1::ResyncGetRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(
      const v1::ResyncGetResponse response,
      connection_->Call(*connection_->resync, &v1::Resync::Stub::Get, request));
  return response.operation();
}

absl::StatusOr<v1::Operation> Client::PauseResync(const std::string& id) {
  v1::ResyncPauseRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const v1::ResyncPauseResponse response,
                   connection_->Call(*connection_->resync,
                                     &v1::Resync::Stub::Pause, request));
  return response.operation();
}

absl::StatusOr<v1::Operation> Client::ResumeResync(const std::string& id) {
  v1::ResyncResumeRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const v1::ResyncResumeResponse response,
                   connection_->Call(*connection_->resync,
                                     &v1::Resync::Stub::Resume, request));
  return response.operation();
}

absl::StatusOr<v1::Operation> Client::CancelResync(const std::string& id) {
  v1::ResyncCancelRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(const v1::ResyncCancelResponse response,
                   connection_->Call(*connection_->resync,
                                     &v1::Resync::Stub::Cancel, request));
  return response.operation();
}

absl::StatusOr<v1::ResyncDiffResponse> Client::Diff(const std::string& node) {
  v1::ResyncDiffRequest request;
  request.set_node(node);
  return connection_->Call(*connection_->resync, &v1::Resync::Stub::Diff,
                           request);
}

absl::Status Client::WatchResync(
    const std::string& id,
    const std::function<void(const v1::Operation&)>& step) {
  v1::ResyncWatchRequest request;
  request.set_id(id);
  return connection_->Watch<v1::ResyncWatchResponse>(
      [&](grpc::ClientContext* context) {
        return connection_->resync->Watch(context, request);
      },
      [&](const v1::ResyncWatchResponse& response) {
        step(response.operation());
        return true;
      });
}

}  // namespace rehai::cli
