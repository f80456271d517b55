// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/integration/front_end.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

#include "base/status_macros.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "rehai/v1/resync.grpc.pb.h"
#include "rehai/v1/source.grpc.pb.h"

namespace rehai::integration {
namespace {

// gRPC's codes are Abseil's.
absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

class GrpcFleetWatch final : public FleetWatch {
 public:
  explicit GrpcFleetWatch(v1::Fleet::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::minutes(1));
    reader_ = stub.Watch(&context_, v1::FleetWatchRequest());
  }
  ~GrpcFleetWatch() override {
    if (reader_ == nullptr) return;
    context_.TryCancel();
    reader_->Finish();
  }

  absl::StatusOr<v1::FleetWatchResponse> Next() override {
    v1::FleetWatchResponse step;
    if (reader_ == nullptr) return absl::OutOfRangeError("the watch has ended");
    if (reader_->Read(&step)) return step;
    const absl::Status end = FromGrpc(reader_->Finish());
    reader_ = nullptr;
    return end.ok() ? absl::OutOfRangeError("the watch has ended") : end;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::FleetWatchResponse>> reader_;
};

}  // namespace

struct FrontEnd::Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : fleet(channel), resync(channel), chef(channel), source(channel) {}

  // One call that waits for its one answer.
  template <typename Response, typename Stub, typename Request>
  static absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    Response response;
    RETURN_IF_ERROR(FromGrpc((stub.*method)(&context, request, &response)));
    return response;
  }

  v1::Fleet::Stub fleet;
  v1::Resync::Stub resync;
  v1::Chef::Stub chef;
  v1::Source::Stub source;
};

FrontEnd::FrontEnd(const std::string& address)
    : stubs_(std::make_unique<Stubs>(
          grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

FrontEnd::~FrontEnd() = default;

absl::StatusOr<v1::Host> FrontEnd::GetHost(const std::string& node) {
  v1::GetHostRequest request;
  request.set_node(node);
  ASSIGN_OR_RETURN(
      v1::GetHostResponse response,
      Stubs::Call(stubs_->fleet, &v1::Fleet::Stub::GetHost, request));
  return std::move(*response.mutable_host());
}

absl::StatusOr<v1::LocatedGuest> FrontEnd::GetGuest(const std::string& name) {
  v1::GetGuestRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(
      v1::GetGuestResponse response,
      Stubs::Call(stubs_->fleet, &v1::Fleet::Stub::GetGuest, request));
  return std::move(*response.mutable_guest());
}

absl::StatusOr<std::vector<v1::LocatedGuest>> FrontEnd::ListGuests(
    const std::string& node) {
  v1::ListGuestsRequest request;
  request.mutable_hosts()->add_nodes(node);
  ASSIGN_OR_RETURN(
      const v1::ListGuestsResponse response,
      Stubs::Call(stubs_->fleet, &v1::Fleet::Stub::ListGuests, request));
  return std::vector<v1::LocatedGuest>(response.guests().begin(),
                                       response.guests().end());
}

std::unique_ptr<FleetWatch> FrontEnd::Watch() {
  return std::make_unique<GrpcFleetWatch>(stubs_->fleet);
}

absl::StatusOr<v1::Operation> FrontEnd::Resync(
    const std::vector<std::string>& nodes) {
  return Resync(nodes, {v1::RESYNC_MODE_REREAD, v1::RESYNC_MODE_REWRITE});
}

absl::StatusOr<v1::Operation> FrontEnd::Resync(
    const std::vector<std::string>& nodes,
    const std::vector<v1::ResyncMode>& modes) {
  v1::ResyncStartRequest start;
  for (const std::string& node : nodes)
    start.mutable_selector()->add_nodes(node);
  for (const v1::ResyncMode mode : modes) start.add_modes(mode);
  ASSIGN_OR_RETURN(
      const v1::ResyncStartResponse started,
      Stubs::Call(stubs_->resync, &v1::Resync::Stub::Start, start));

  v1::ResyncWatchRequest request;
  request.set_id(started.operation().id());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::minutes(1));
  const auto watch = stubs_->resync.Watch(&context, request);
  for (v1::ResyncWatchResponse progress; watch->Read(&progress);) {
  }
  RETURN_IF_ERROR(FromGrpc(watch->Finish()));

  v1::ResyncGetRequest get;
  get.set_id(started.operation().id());
  ASSIGN_OR_RETURN(v1::ResyncGetResponse ended,
                   Stubs::Call(stubs_->resync, &v1::Resync::Stub::Get, get));
  return std::move(*ended.mutable_operation());
}

absl::StatusOr<std::vector<v1::Difference>> FrontEnd::Diff(
    const std::string& node) {
  v1::ResyncDiffRequest request;
  request.set_node(node);
  ASSIGN_OR_RETURN(
      const v1::ResyncDiffResponse response,
      Stubs::Call(stubs_->resync, &v1::Resync::Stub::Diff, request));
  return std::vector<v1::Difference>(response.differences().begin(),
                                     response.differences().end());
}

absl::StatusOr<v1::ChefStatus> FrontEnd::ChefStatus() {
  ASSIGN_OR_RETURN(v1::ChefStatusResponse response,
                   Stubs::Call(stubs_->chef, &v1::Chef::Stub::Status,
                               v1::ChefStatusRequest()));
  return std::move(*response.mutable_status());
}

absl::StatusOr<v1::SourceStatus> FrontEnd::SourceStatus() {
  ASSIGN_OR_RETURN(v1::SourceStatusResponse response,
                   Stubs::Call(stubs_->source, &v1::Source::Stub::Status,
                               v1::SourceStatusRequest()));
  return std::move(*response.mutable_status());
}

v1::AgentState FrontEnd::AgentOf(const std::string& node) {
  v1::ListAgentsRequest request;
  request.mutable_selector()->add_nodes(node);
  const absl::StatusOr<v1::ListAgentsResponse> response =
      Stubs::Call(stubs_->source, &v1::Source::Stub::ListAgents, request);
  return response.ok() && response->agents_size() == 1 ? response->agents(0)
                                                       : v1::AgentState();
}

v1::Connection FrontEnd::ConnectionOf(const std::string& node) {
  v1::ListConnectionsRequest request;
  request.mutable_selector()->add_nodes(node);
  const absl::StatusOr<v1::ListConnectionsResponse> response =
      Stubs::Call(stubs_->source, &v1::Source::Stub::ListConnections, request);
  return response.ok() && response->connections_size() == 1
             ? response->connections(0)
             : v1::Connection();
}

v1::SyncStatus FrontEnd::SyncStatusOf(const std::string& node) {
  absl::StatusOr<v1::Host> host = GetHost(node);
  if (host.ok()) return std::move(*host->mutable_sync());
  v1::SyncStatus none;
  none.set_last_error(host.status().ToString());
  return none;
}

v1::Presence FrontEnd::PresenceOf(const std::string& node) {
  const absl::StatusOr<v1::Host> host = GetHost(node);
  return host.ok() ? host->presence() : v1::PRESENCE_UNSPECIFIED;
}

std::string FrontEnd::StateOf(const std::string& guest) {
  const absl::StatusOr<v1::LocatedGuest> located = GetGuest(guest);
  return located.ok() ? v1::GuestState_Name(located->guest().state())
                      : absl::StatusCodeToString(located.status().code());
}

}  // namespace rehai::integration
