// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/resync_service.h"

#include <grpcpp/server_context.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "chef/node_document.h"
#include "controller/api/grpc_status.h"
#include "controller/api/operation_watch.h"
#include "controller/api/pulled_stream.h"
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
                       "RESYNC_MODE_REWRITE or both"));
    }
    modes.push_back(static_cast<v1::ResyncMode>(mode));
  }
  if (modes.empty()) {
    return absl::InvalidArgumentError(
        "modes: empty; give RESYNC_MODE_REREAD, RESYNC_MODE_REWRITE or both");
  }
  return modes;
}

// A Diff under way. Ends with Chef's answer or with the client's patience,
// whichever comes first; the later of the two finds it finished.
class DiffCall final : public grpc::ServerUnaryReactor {
 public:
  static DiffCall* Open(v1::ResyncDiffResponse* response) {
    std::shared_ptr<DiffCall> call(new DiffCall(response));
    call->self_ = call;
    return call.get();
  }

  // Keeps the call's memory, not the call.
  std::shared_ptr<DiffCall> Hold() const { return self_; }

  void Answer(absl::StatusOr<std::vector<chef::PathDifference>> differences) {
    if (!ClaimEnd()) return;
    if (differences.ok()) {
      for (chef::PathDifference& difference : *differences) {
        v1::Difference& line = *response_->add_differences();
        line.set_path(std::move(difference.path));
        line.set_before(std::move(difference.before));
        line.set_after(std::move(difference.after));
      }
    }
    Finish(ToGrpc(differences.status()));
  }

  void OnCancel() override {
    if (ClaimEnd()) Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    const std::shared_ptr<DiffCall> last = std::move(self_);
  }

 private:
  explicit DiffCall(v1::ResyncDiffResponse* response) : response_(response) {}

  // True for the first to ask, who then finishes the call.
  bool ClaimEnd() {
    MutexLock lock(mu_);
    return !std::exchange(claimed_, true);
  }

  v1::ResyncDiffResponse* const response_;  // gRPC's; gone once finished
  std::shared_ptr<DiffCall> self_;

  Mutex mu_;
  bool claimed_ ABSL_GUARDED_BY(mu_) = false;
};

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
    return Answer(context, operations_.Begin(request->selector(), *modes),
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
    const RecordPtr record = inventory_.Find(host);
    if (record == nullptr) {
      return Refuse(context,
                    absl::NotFoundError(absl::StrCat(
                        "host ", host.node,
                        ": not in the fleet; ListHosts names those that are")));
    }
    response->set_node(host.node);
    response->set_revision(record->revision());
    DiffCall* const call = DiffCall::Open(response);
    syncer_.Diff(
        host,
        [call = call->Hold()](
            absl::StatusOr<std::vector<chef::PathDifference>> differences) {
          call->Answer(std::move(differences));
        });
    return call;
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
      *response->mutable_operation() = *std::move(operation);
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
