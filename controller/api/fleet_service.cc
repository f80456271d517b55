// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_service.h"

#include <grpcpp/server_context.h>

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "controller/api/fleet_watch.h"
#include "controller/api/grpc_status.h"
#include "controller/api/pulled_stream.h"
#include "controller/api/record_bytes.h"
#include "controller/api/wire_fields.h"
#include "rehai/v1/fleet.grpc.pb.h"

namespace rehai {
namespace {

// A watch's steps as its client gets them.
class SentFleetWatch {
 public:
  using Response = v1::FleetWatchResponse;

  SentFleetWatch(FleetWatch watch, RecordBytes& bytes)
      : watch_(std::move(watch)), bytes_(bytes) {}

  absl::StatusOr<std::optional<Response>> Next() {
    ASSIGN_OR_RETURN(const std::optional<FleetStep> step, watch_.Next());
    if (!step.has_value()) return std::nullopt;
    Response response;
    response.set_kind(step->kind);
    response.set_revision(step->revision);
    if (step->record != nullptr) {
      AddSerialized(Response::kRecordFieldNumber, *bytes_.Of(step->record),
                    response);
    } else if (!step->node.empty()) {
      response.mutable_record()->set_node(step->node);
    }
    return response;
  }
  bool ended() const { return watch_.ended(); }

 private:
  FleetWatch watch_;
  RecordBytes& bytes_;
};

class FleetService final : public v1::Fleet::CallbackService {
 public:
  FleetService(const FleetQueries& queries, const Inventory& inventory,
               WatchHub& hub)
      : queries_(queries), inventory_(inventory), hub_(hub) {}

  grpc::ServerUnaryReactor* GetHost(grpc::CallbackServerContext* context,
                                    const v1::GetHostRequest* request,
                                    v1::GetHostResponse* response) override {
    return Answer(context, queries_.GetHost(*request), response);
  }

  grpc::ServerUnaryReactor* ListHosts(
      grpc::CallbackServerContext* context, const v1::ListHostsRequest* request,
      v1::ListHostsResponse* response) override {
    return Answer(context, queries_.ListHosts(*request), response);
  }

  grpc::ServerUnaryReactor* GetGuest(grpc::CallbackServerContext* context,
                                     const v1::GetGuestRequest* request,
                                     v1::GetGuestResponse* response) override {
    return Answer(context, queries_.GetGuest(*request), response);
  }

  grpc::ServerUnaryReactor* ListGuests(
      grpc::CallbackServerContext* context,
      const v1::ListGuestsRequest* request,
      v1::ListGuestsResponse* response) override {
    return Answer(context, queries_.ListGuests(*request), response);
  }

  grpc::ServerUnaryReactor* Summarize(
      grpc::CallbackServerContext* context, const v1::SummarizeRequest* request,
      v1::SummarizeResponse* response) override {
    return Answer(context, queries_.Summarize(*request), response);
  }

  grpc::ServerWriteReactor<v1::FleetWatchResponse>* Watch(
      grpc::CallbackServerContext* context,
      const v1::FleetWatchRequest* request) override {
    return PulledStream<SentFleetWatch>::Open(
        SentFleetWatch(FleetWatch(inventory_, *request), bytes_), hub_);
  }

 private:
  template <typename Response>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                          absl::StatusOr<Response> answer,
                                          Response* response) {
    const grpc::Status status = ToGrpc(answer.status());
    if (answer.ok()) *response = *std::move(answer);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(status);
    return reactor;
  }

  // Set at construction.
  const FleetQueries& queries_;
  const Inventory& inventory_;
  WatchHub& hub_;

  RecordBytes bytes_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeFleetService(const FleetQueries& queries,
                                                const Inventory& inventory,
                                                WatchHub& hub) {
  return std::make_unique<FleetService>(queries, inventory, hub);
}

}  // namespace rehai
