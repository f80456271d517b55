// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/source_service.h"

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "controller/api/agent_list.h"
#include "controller/api/caller.h"
#include "controller/api/connection_list.h"
#include "controller/api/grpc_status.h"
#include "controller/api/named_hosts.h"
#include "rehai/v1/source.grpc.pb.h"

namespace rehai {
namespace {

// A log line's share of a request or an answer, which may name the whole fleet.
constexpr size_t kLoggedBytes = 1000;

std::string Loggable(const google::protobuf::Message& message) {
  std::string text = message.ShortDebugString();
  if (text.size() > kLoggedBytes) {
    text.resize(kLoggedBytes);
    text += "...";
  }
  return text;
}

class SourceService final : public v1::Source::CallbackService {
 public:
  SourceService(const Inventory& inventory, SourceAnswers answers)
      : inventory_(inventory), answers_(std::move(answers)) {}

  grpc::ServerUnaryReactor* Status(
      grpc::CallbackServerContext* context, const v1::SourceStatusRequest*,
      v1::SourceStatusResponse* response) override {
    *response->mutable_status() = answers_.status();
    return Finish(context, absl::OkStatus());
  }

  grpc::ServerUnaryReactor* ListConnections(
      grpc::CallbackServerContext* context,
      const v1::ListConnectionsRequest* request,
      v1::ListConnectionsResponse* response) override {
    return Answer(
        context,
        rehai::ListConnections(*request, answers_.connections(), inventory_),
        response);
  }

  grpc::ServerUnaryReactor* ListAgents(
      grpc::CallbackServerContext* context,
      const v1::ListAgentsRequest* request,
      v1::ListAgentsResponse* response) override {
    return Answer(
        context,
        rehai::ListAgents(
            *request,
            answers_.agents ? answers_.agents() : std::vector<v1::AgentState>(),
            inventory_),
        response);
  }

  grpc::ServerUnaryReactor* Retry(grpc::CallbackServerContext* context,
                                  const v1::RetryRequest* request,
                                  v1::RetryResponse* response) override {
    return Command(context, "retry", *request, DoRetry(*request), response);
  }

  grpc::ServerUnaryReactor* ConfirmDiscovery(
      grpc::CallbackServerContext* context,
      const v1::ConfirmDiscoveryRequest* request,
      v1::ConfirmDiscoveryResponse* response) override {
    return Command(context, "confirm discovery", *request,
                   DoConfirmDiscovery(*request), response);
  }

  grpc::ServerUnaryReactor* ConfirmDisappearance(
      grpc::CallbackServerContext* context,
      const v1::ConfirmDisappearanceRequest* request,
      v1::ConfirmDisappearanceResponse* response) override {
    return Command(context, "confirm disappearance", *request,
                   DoConfirmDisappearance(*request), response);
  }

  grpc::ServerUnaryReactor* AcceptIdentity(
      grpc::CallbackServerContext* context,
      const v1::AcceptIdentityRequest* request,
      v1::AcceptIdentityResponse* response) override {
    return Command(context, "accept identity", *request,
                   DoAcceptIdentity(*request), response);
  }

 private:
  absl::StatusOr<v1::RetryResponse> DoRetry(const v1::RetryRequest& request) {
    ASSIGN_OR_RETURN(const std::vector<HostId> hosts,
                     SelectConnected(request.selector(), answers_.connections(),
                                     inventory_));
    v1::RetryResponse response;
    response.set_released(answers_.retry(hosts));
    return response;
  }

  absl::StatusOr<v1::ConfirmDiscoveryResponse> DoConfirmDiscovery(
      const v1::ConfirmDiscoveryRequest& request) {
    if (request.expected_held() <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected_held: ", request.expected_held(),
                       " is not above zero; give how many hosts the status "
                       "shows as held"));
    }
    ASSIGN_OR_RETURN(std::vector<std::string> departed,
                     answers_.confirm_discovery(request.expected_held()));
    v1::ConfirmDiscoveryResponse response;
    for (std::string& node : departed) response.add_departed(std::move(node));
    return response;
  }

  absl::StatusOr<v1::ConfirmDisappearanceResponse> DoConfirmDisappearance(
      const v1::ConfirmDisappearanceRequest& request) {
    RETURN_IF_ERROR(FindNamed(request.node(), inventory_).status());
    ASSIGN_OR_RETURN(std::vector<GuestId> gone,
                     answers_.confirm_disappearance(HostId{request.node()}));
    v1::ConfirmDisappearanceResponse response;
    for (GuestId& guest : gone) response.add_gone(std::move(guest.uuid));
    return response;
  }

  absl::StatusOr<v1::AcceptIdentityResponse> DoAcceptIdentity(
      const v1::AcceptIdentityRequest& request) {
    RETURN_IF_ERROR(FindNamed(request.node(), inventory_).status());
    ASSIGN_OR_RETURN(std::string uuid,
                     answers_.accept_identity(HostId{request.node()}));
    v1::AcceptIdentityResponse response;
    response.set_host_uuid(std::move(uuid));
    return response;
  }

  // Ends a command's call, and logs it: these are the moments at which somebody
  // overrules what protects the fleet.
  template <typename Response>
  static grpc::ServerUnaryReactor* Command(
      grpc::CallbackServerContext* context, absl::string_view command,
      const google::protobuf::Message& request, absl::StatusOr<Response> answer,
      Response* response) {
    log::Info("source commanded",
              {{"command", command},
               {"request", Loggable(request)},
               {"by", CallerName(*context)},
               {"outcome",
                answer.ok() ? Loggable(*answer) : answer.status().ToString()}});
    return Answer(context, std::move(answer), response);
  }

  template <typename Response>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                          absl::StatusOr<Response> answer,
                                          Response* response) {
    if (answer.ok()) *response = std::move(*answer);
    return Finish(context, answer.status());
  }

  static grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context,
                                          const absl::Status& status) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(status));
    return reactor;
  }

  // Set at construction.
  const Inventory& inventory_;
  const SourceAnswers answers_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSourceService(const Inventory& inventory,
                                                 SourceAnswers answers) {
  return std::make_unique<SourceService>(inventory, std::move(answers));
}

}  // namespace rehai
