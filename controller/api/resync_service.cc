// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/resync_service.h"

#include <grpcpp/server_context.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "chef/node_document.h"
#include "controller/api/caller.h"
#include "controller/api/grpc_status.h"
#include "controller/api/late_answer.h"
#include "controller/api/named_hosts.h"
#include "controller/api/operation_watch.h"
#include "controller/api/page_token.h"
#include "controller/api/pulled_stream.h"
#include "proto/ids.h"
#include "rehai/v1/resync.grpc.pb.h"

namespace rehai {
namespace {

// Where an operation stands in the order of a listing: sorts as text.
std::string ListKey(const v1::Operation& operation) {
  return absl::StrFormat("%012d.%09d.%s", operation.started_at().seconds(),
                         operation.started_at().nanos(), operation.id());
}

absl::StatusOr<std::set<v1::OperationState>> ReadStates(
    const v1::ResyncListRequest& request) {
  std::set<v1::OperationState> states;
  for (const int state : request.states()) {
    if (!v1::OperationState_IsValid(state) ||
        state == v1::OPERATION_STATE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat("states: ", state,
                       " is not a state; give OPERATION_STATE_RUNNING, "
                       "OPERATION_STATE_PAUSED or OPERATION_STATE_ENDED"));
    }
    states.insert(static_cast<v1::OperationState>(state));
  }
  return states;
}

absl::StatusOr<v1::ResyncListResponse> ListPage(
    const v1::ResyncListRequest& request, const ResyncOperations& operations) {
  ASSIGN_OR_RETURN(const std::set<v1::OperationState> states,
                   ReadStates(request));
  ASSIGN_OR_RETURN(const int page_size, ReadPageSize(request.page_size()));
  v1::ResyncListRequest question;
  *question.mutable_states() = request.states();
  ASSIGN_OR_RETURN(const std::string last,
                   ReadPageToken(request.page_token(), question));
  v1::ResyncListResponse response;
  std::vector<v1::Operation> all = operations.List(states);
  response.set_total(static_cast<int32_t>(all.size()));
  for (v1::Operation& operation : all) {
    std::string key = ListKey(operation);
    if (!last.empty() && key >= last) continue;  // newest first
    if (response.operations_size() == page_size) {
      response.set_next_page_token(
          MakePageToken(ListKey(response.operations(page_size - 1)), question));
      break;
    }
    *response.add_operations() = std::move(operation);
  }
  return response;
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
    absl::StatusOr<ResyncOperations::Begun> begun =
        operations_.Begin(*request, CallerName(*context));
    if (begun.ok()) {
      *response->mutable_operation() = std::move(begun->operation);
      response->set_existed(begun->existed);
    }
    return Finish(context, begun.status());
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

  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const v1::ResyncListRequest* request,
                                 v1::ResyncListResponse* response) override {
    absl::StatusOr<v1::ResyncListResponse> page =
        ListPage(*request, operations_);
    if (page.ok()) *response = *std::move(page);
    return Finish(context, page.status());
  }

  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext* context,
                                  const v1::ResyncPauseRequest* request,
                                  v1::ResyncPauseResponse* response) override {
    return Answer(context, operations_.Pause(request->id()), response);
  }

  grpc::ServerUnaryReactor* Resume(
      grpc::CallbackServerContext* context,
      const v1::ResyncResumeRequest* request,
      v1::ResyncResumeResponse* response) override {
    return Answer(context, operations_.Resume(request->id()), response);
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
    if (!record.ok()) return Finish(context, record.status());
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
  static grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
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
    return Finish(context, operation.status());
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
