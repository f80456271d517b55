// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/client.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "rehai/v1/chef.grpc.pb.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "rehai/v1/resync.grpc.pb.h"
#include "rehai/v1/source.grpc.pb.h"

namespace rehai::cli {
namespace {

constexpr int kPageSize = 1000;
// A host with very many guests makes a large Record.
constexpr int kMaxResponseBytes = 64 << 20;

gpr_timespec After(absl::Duration wait) {
  if (wait == absl::InfiniteDuration())
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(wait), GPR_TIMESPAN));
}

// A file named on the command line; whatever is wrong with it, the command is.
absl::StatusOr<std::string> ReadPem(absl::string_view flag,
                                    const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (pem.ok()) return pem;
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", pem.status().message()));
}

// The system's reason at the end of gRPC's "failed to connect to all addresses;
// last error: UNKNOWN: ipv4:...: Connection refused".
std::string Cause(const std::string& message) {
  const size_t at = message.rfind(": ");
  if (!absl::StrContains(message, "last error: ") || at == message.npos) {
    return message;
  }
  return message.substr(at + 2);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const Client::Options& options) {
  const bool has_certificate = !options.certificate_file.empty();
  if (has_certificate != !options.key_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(has_certificate ? "--key" : "--cert",
                     ": missing; a certificate and its key go together"));
  }
  if (!has_certificate && options.ca_file.empty()) {
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions ssl;
  if (has_certificate) {
    ASSIGN_OR_RETURN(ssl.pem_cert_chain,
                     ReadPem("--cert", options.certificate_file));
    ASSIGN_OR_RETURN(ssl.pem_private_key, ReadPem("--key", options.key_file));
  }
  if (!options.ca_file.empty()) {
    ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadPem("--ca", options.ca_file));
  }
  return grpc::SslCredentials(ssl);
}

}  // namespace

struct Client::Connection {
  Options options;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Fleet::Stub> fleet;
  std::unique_ptr<v1::Resync::Stub> resync;
  std::unique_ptr<v1::Chef::Stub> chef;
  std::unique_ptr<v1::Source::Stub> source;

  Mutex mu;
  bool watch_canceled ABSL_GUARDED_BY(mu) = false;
  grpc::ClientContext* watch ABSL_GUARDED_BY(mu) = nullptr;

  // One call, and its error as the person at the keyboard should read it.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(
      Stub& stub,
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(After(options.timeout));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (status.ok()) return response;
    return Translate(status, options.timeout);
  }

  template <typename Response>
  absl::Status Watch(
      const std::function<std::unique_ptr<grpc::ClientReader<Response>>(
          grpc::ClientContext*)>& open,
      const std::function<void(const Response&)>& step) {
    grpc::ClientContext context;
    context.set_deadline(After(options.watch_timeout));
    {
      MutexLock lock(mu);
      if (watch_canceled) return absl::CancelledError("watch: canceled");
      watch = &context;
    }
    const auto reader = open(&context);
    Response response;
    while (reader->Read(&response)) step(response);
    const grpc::Status status = reader->Finish();
    MutexLock lock(mu);
    watch = nullptr;
    if (status.ok()) return absl::OkStatus();
    return Translate(status, options.watch_timeout);
  }

  absl::Status Translate(const grpc::Status& status, absl::Duration timeout) {
    const std::string& message = status.error_message();
    const std::string server = absl::StrCat("server ", options.server);
    switch (status.error_code()) {
      case grpc::StatusCode::UNAVAILABLE:
        // Said by the server itself, about somebody else.
        if (channel->GetState(false) == GRPC_CHANNEL_READY) break;
        return absl::UnavailableError(
            absl::StrCat(server, ": cannot be reached (", Cause(message), "); ",
                         Remedy(message)));
      case grpc::StatusCode::DEADLINE_EXCEEDED:
        return absl::DeadlineExceededError(absl::StrCat(
            server, ": no answer within ", absl::FormatDuration(timeout),
            "; --timeout allows more"));
      case grpc::StatusCode::UNIMPLEMENTED:
        return absl::UnimplementedError(
            absl::StrCat(server, ": does not know this command (", message,
                         "); is it a Rehai controller, and not an older one?"));
      default:
        break;
    }
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        message);
  }

  std::string Remedy(const std::string& message) const {
    if (!options.certificate_file.empty() || !options.ca_file.empty()) {
      return "does it use TLS, does --ca sign its certificate, and does it "
             "trust the one of --cert?";
    }
    // What a server with TLS does to a client without.
    if (absl::StrContains(message, "closed") ||
        absl::StrContains(message, "reset")) {
      return "does it use TLS? then give --cert, --key and --ca";
    }
    return "is the controller running there? --server or REHAI_SERVER names "
           "another";
  }
};

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const Options& options) {
  // What gRPC would log is in its statuses, too, where we put it into words.
  gpr_set_log_function([](gpr_log_func_args*) {});
  auto connection = std::make_unique<Connection>();
  connection->options = options;
  ASSIGN_OR_RETURN(const auto credentials, MakeCredentials(options));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  // A watch notices within a minute that the server's machine is gone.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  connection->channel =
      grpc::CreateCustomChannel(options.server, credentials, arguments);
  connection->fleet = v1::Fleet::NewStub(connection->channel);
  connection->resync = v1::Resync::NewStub(connection->channel);
  connection->chef = v1::Chef::NewStub(connection->channel);
  connection->source = v1::Source::NewStub(connection->channel);
  return std::unique_ptr<Client>(new Client(std::move(connection)));
}

Client::Client(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

Client::~Client() = default;

absl::StatusOr<v1::ListHostsResponse> Client::ListHosts(
    const v1::HostSelector& selector) {
  v1::ListHostsRequest request;
  *request.mutable_selector() = selector;
  request.set_page_size(kPageSize);
  v1::ListHostsResponse all;
  do {
    ASSIGN_OR_RETURN(v1::ListHostsResponse page,
                     connection_->Call(*connection_->fleet,
                                       &v1::Fleet::Stub::ListHosts, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<v1::ListGuestsResponse> Client::ListGuests(
    v1::ListGuestsRequest request) {
  request.set_page_size(kPageSize);
  v1::ListGuestsResponse all;
  do {
    ASSIGN_OR_RETURN(v1::ListGuestsResponse page,
                     connection_->Call(*connection_->fleet,
                                       &v1::Fleet::Stub::ListGuests, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<v1::GetGuestResponse> Client::GetGuest(
    const v1::GetGuestRequest& request) {
  return connection_->Call(*connection_->fleet, &v1::Fleet::Stub::GetGuest,
                           request);
}

absl::StatusOr<v1::Operation> Client::StartResync(
    const v1::HostSelector& selector, const std::vector<v1::ResyncMode>& modes,
    const std::vector<std::string>& ohai_plugins) {
  v1::ResyncStartRequest request;
  *request.mutable_selector() = selector;
  for (const v1::ResyncMode mode : modes) request.add_modes(mode);
  for (const std::string& plugin : ohai_plugins) {
    request.add_ohai_plugins(plugin);
  }
  ASSIGN_OR_RETURN(const v1::ResyncStartResponse response,
                   connection_->Call(*connection_->resync,
                                     &v1::Resync::Stub::Start, request));
  return response.operation();
}

absl::StatusOr<v1::Operation> Client::GetResync(const std::string& id) {
  v1::ResyncGetRequest request;
  request.set_id(id);
  ASSIGN_OR_RETURN(
      const v1::ResyncGetResponse response,
      connection_->Call(*connection_->resync, &v1::Resync::Stub::Get, request));
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

absl::StatusOr<v1::SourceStatus> Client::SourceStatus() {
  ASSIGN_OR_RETURN(
      const v1::SourceStatusResponse response,
      connection_->Call(*connection_->source, &v1::Source::Stub::Status,
                        v1::SourceStatusRequest()));
  return response.status();
}

absl::StatusOr<v1::ListConnectionsResponse> Client::ListConnections(
    const v1::HostSelector& selector,
    const std::vector<v1::ConnectionState>& states) {
  v1::ListConnectionsRequest request;
  *request.mutable_selector() = selector;
  for (const v1::ConnectionState state : states) request.add_states(state);
  request.set_page_size(kPageSize);
  v1::ListConnectionsResponse all;
  do {
    ASSIGN_OR_RETURN(
        v1::ListConnectionsResponse page,
        connection_->Call(*connection_->source,
                          &v1::Source::Stub::ListConnections, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<v1::ListAgentsResponse> Client::ListAgents(
    const v1::HostSelector& selector) {
  v1::ListAgentsRequest request;
  *request.mutable_selector() = selector;
  request.set_page_size(kPageSize);
  v1::ListAgentsResponse all;
  do {
    ASSIGN_OR_RETURN(v1::ListAgentsResponse page,
                     connection_->Call(*connection_->source,
                                       &v1::Source::Stub::ListAgents, request));
    request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!request.page_token().empty());
  return all;
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

absl::Status Client::WatchFleet(
    const v1::FleetWatchRequest& request,
    const std::function<void(const v1::FleetWatchResponse&)>& step) {
  return connection_->Watch<v1::FleetWatchResponse>(
      [&](grpc::ClientContext* context) {
        return connection_->fleet->Watch(context, request);
      },
      step);
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
      });
}

void Client::CancelWatch() {
  MutexLock lock(connection_->mu);
  connection_->watch_canceled = true;
  if (connection_->watch != nullptr) connection_->watch->TryCancel();
}

}  // namespace rehai::cli
