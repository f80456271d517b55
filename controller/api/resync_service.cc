// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/resync_service.h"

#include <grpcpp/server_context.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "chef/node_document.h"
#include "controller/api/grpc_status.h"
#include "controller/api/late_answer.h"
#include "controller/api/named_hosts.h"
#include "controller/api/operation_watch.h"
#include "controller/api/pulled_stream.h"
#include "proto/ids.h"
#include "rehai/v1/resync.grpc.pb.h"

namespace rehai {
namespace {

absl::StatusOr<std::vector<v1::ResyncMode>> ReadModes(
    const v1::ResyncStartRequest& request) {
  std::vector<v1::ResyncMode> modes;
  for (const int mode : request.modes()) {
    if (!v1::ResyncMode_IsValid(mode) || mode == v1::RESYNC_MODE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat("modes: ", mode,
                       " is not a mode; give RESYNC_MODE_REREAD, "
                       "RESYNC_MODE_REWRITE or both, or RESYNC_MODE_OHAI"));
    }
    modes.push_back(static_cast<v1::ResyncMode>(mode));
  }
  if (modes.empty()) {
    return absl::InvalidArgumentError(
        "modes: empty; give RESYNC_MODE_REREAD, RESYNC_MODE_REWRITE or both, "
        "or RESYNC_MODE_OHAI");
  }
  return modes;
}

v1::ResyncDiffResponse MakeDiff(const std::string& node, Revision revision,
                                std::vector<chef::PathDifference> differences) {
  v1::ResyncDiffResponse response;
  response.set_node(node);
  response.set_revision(revision);
  for (chef::PathDifference& difference : differences) {
    v1::Difference& line = *response.add_differences();
    line.set_path(std::move(difference.path));
    line.set_before(std::move(difference.before));
    line.set_after(std::move(difference.after));
  }
  return response;
}

class ResyncService final : public v1::Resync::CallbackService {
 public:
  ResyncService(const Inventory& inventory, Syncer& syncer,
                ResyncOperations& operations, WatchHub& hub)
      : inventory_(inventory),
        syncer_(syncer),
        operations_(operations),
        hub_(hub) {}

  grpc::ServerUnaryReactor* Start(grpc::CallbackServerContext* context,
                                  const v1::ResyncStartRequest* request,
                                  v1::ResyncStartResponse* response) override {
    const auto modes = ReadModes(*request);
    if (!modes.ok()) return Refuse(context, modes.status());
    return Answer(context,
                  operations_.Begin(request->selector(), *modes,
                                    {request->ohai_plugins().begin(),
                                     request->ohai_plugins().end()}),
                  response);
  }

  grpc::ServerWriteReactor<v1::ResyncWatchResponse>* Watch(
      grpc::CallbackServerContext* context,
      const v1::ResyncWatchRequest* request) override {
    return PulledStream<OperationWatch>::Open(
        OperationWatch(operations_, request->id()), hub_);
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const v1::ResyncGetRequest* request,
                                v1::ResyncGetResponse* response) override {
    return Answer(context, operations_.Get(request->id()), response);
  }

  grpc::ServerUnaryReactor* Cancel(
      grpc::CallbackServerContext* context,
      const v1::ResyncCancelRequest* request,
      v1::ResyncCancelResponse* response) override {
    return Answer(context, operations_.Cancel(request->id()), response);
  }

  grpc::ServerUnaryReactor* Diff(grpc::CallbackServerContext* context,
                                 const v1::ResyncDiffRequest* request,
                                 v1::ResyncDiffResponse* response) override {
    const HostId host{request->node()};
    const absl::StatusOr<RecordPtr> record =
        FindNamed(request->node(), inventory_);
    if (!record.ok()) return Refuse(context, record.status());
    auto call = LateAnswer<v1::ResyncDiffResponse>::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    syncer_.Diff(
        host,
        [call = std::move(call), host, revision = (*record)->revision()](
            absl::StatusOr<std::vector<chef::PathDifference>> differences) {
          if (!differences.ok()) return call->Answer(differences.status());
          call->Answer(MakeDiff(host.node, revision, *std::move(differences)));
        });
    return reactor;
  }

 private:
  static grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context,
                                          const absl::Status& status) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(status));
    return reactor;
  }

  template <typename Response>
  static grpc::ServerUnaryReactor* Answer(
      grpc::CallbackServerContext* context,
      absl::StatusOr<v1::Operation> operation, Response* response) {
    if (operation.ok()) {
      *response->mutable_operation() = std::move(*operation);
    }
    return Refuse(context, operation.status());
  }

  // Set at construction.
  const Inventory& inventory_;
  Syncer& syncer_;
  ResyncOperations& operations_;
  WatchHub& hub_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeResyncService(const Inventory& inventory,
                                                 Syncer& syncer,
                                                 ResyncOperations& operations,
                                                 WatchHub& hub) {
  return std::make_unique<ResyncService>(inventory, syncer, operations, hub);
}

}  // namespace rehai
