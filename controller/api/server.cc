// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/server.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "controller/api/calls_under_way.h"
#include "controller/api/fleet_queries.h"
#include "controller/api/fleet_service.h"
#include "controller/api/guarded_service.h"
#include "controller/api/listen_address.h"
#include "controller/api/resync_service.h"
#include "controller/api/tls_credentials.h"
#include "controller/api/watch_hub.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {
namespace {

// Requests are selectors and tokens; a list of ten thousand node names fits.
constexpr int kMaxRequestBytes = 1 << 20;

grpc_ssl_client_certificate_request_type WhatToRequest(
    const ApiServer::Options& options) {
  if (options.client_certificates == ClientCertificates::kRequired) {
    return GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return options.tls.client_ca.empty()
             ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
             : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY;
}

// Null without TLS.
absl::StatusOr<std::shared_ptr<TlsCredentials>> MakeCredentials(
    const ApiServer::Options& options, const ListenAddress& address) {
  RETURN_IF_ERROR(
      CheckNotOpenToEveryone("api", address, !options.tls.empty(),
                             options.allow_plaintext_from_anywhere));
  if (options.tls.empty()) return nullptr;
  ASSIGN_OR_RETURN(
      TlsMaterial material,
      LoadTlsFiles("api", options.tls, options.client_certificates));
  return std::make_shared<TlsCredentials>(std::move(material),
                                          WhatToRequest(options));
}

absl::string_view TlsText(const ApiServer::Options& options) {
  if (options.tls.empty()) return "off";
  return options.client_certificates == ClientCertificates::kRequired
             ? "mutual"
             : "certificates or tokens";
}

ChefAnswers AnswersOf(Syncer& syncer) {
  return {.status = [&syncer] { return syncer.ChefStatus(); },
          .set_limits =
              [&syncer](const v1::ChefLimits& limits) {
                return syncer.SetLimits(limits);
              },
          .cost =
              [&syncer](const HostId& host, ChefAnswers::CostDone done) {
                syncer.Cost(host, std::move(done));
              }};
}

void Bound(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  // A second controller on the same port is an error, not a half share of it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A watcher whose machine vanished is noticed within about a minute and a
  // half; watchers may ask every ten seconds whether we are there.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // Per connection; beyond it a client's calls wait for its earlier ones.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);
}

// gRPC's own words, in our log: a client's failed handshake is its error, not
// ours.
void LogForGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) {
    log::Warning("grpc", {{"says", args->message}});
  } else {
    log::Debug("grpc", {{"says", args->message}});
  }
}

void LogWithoutRoles() {
  log::Info("api without roles: everybody who can connect may do everything",
            {{"grant_roles_in", "api.roles"}});
}

}  // namespace

// Members are destroyed in reverse order: first the server, then what it uses.
struct ApiServer::Parts {
  Options options;
  ListenAddress address;
  std::shared_ptr<TlsCredentials> credentials;  // null without TLS
  // Shared with the listeners, which cannot be taken back.
  // Bookmarks come to the second.
  std::shared_ptr<WatchHub> fleet_hub =
      std::make_shared<WatchHub>(absl::Seconds(1));
  std::shared_ptr<WatchHub> operation_hub = std::make_shared<WatchHub>();
  std::optional<FleetQueries> queries;
  std::unique_ptr<Admission> admission;
  std::vector<NamedService> services;  // guarded
  CallsUnderWay calls;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Create(
    Options options, Inventory& inventory, Syncer& syncer,
    ResyncOperations& operations, std::optional<ChefAnswers> chef,
    std::optional<SourceAnswers> source,
    std::vector<NamedService> more_services) {
  auto parts = std::make_unique<Parts>();
  ASSIGN_OR_RETURN(parts->address,
                   ParseListenAddress("api.listen", options.listen));
  ASSIGN_OR_RETURN(parts->credentials,
                   MakeCredentials(options, parts->address));
  parts->options = std::move(options);
  parts->admission = std::make_unique<Admission>(
      Admission::Options{.access = parts->options.access,
                         .limits = parts->options.limits,
                         .over_tls = !parts->options.tls.empty()},
      parts->options.audit, Clock::Real());
  inventory.AddListener(
      [hub = parts->fleet_hub](const Change&) { hub->Notify(); });
  operations.AddListener(
      [hub = parts->operation_hub](const std::string&) { hub->Notify(); });
  parts->queries.emplace(inventory, syncer);
  std::vector<NamedService>& services = parts->services;
  services.push_back(
      {"rehai.v1.Fleet",
       MakeFleetService(*parts->queries, inventory, *parts->fleet_hub)});
  services.push_back(
      {"rehai.v1.Resync", MakeResyncService(inventory, syncer, operations,
                                            *parts->operation_hub)});
  services.push_back(
      {"rehai.v1.Chef",
       MakeChefService(chef ? *std::move(chef) : AnswersOf(syncer))});
  if (source) {
    services.push_back(
        {"rehai.v1.Source", MakeSourceService(inventory, *std::move(source))});
  }
  std::move(more_services.begin(), more_services.end(),
            std::back_inserter(services));
  for (NamedService& service : services) {
    ASSIGN_OR_RETURN(service.service,
                     GuardService(service.name, std::move(service.service),
                                  *parts->admission));
  }
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(parts)));
}

ApiServer::ApiServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ApiServer::~ApiServer() { Stop(absl::ZeroDuration()); }

absl::Status ApiServer::Start() {
  gpr_set_log_function(LogForGrpc);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  Bound(builder);
  builder.AddListeningPort(parts_->address.text, OrInClear(parts_->credentials),
                           &parts_->port);
  for (const NamedService& service : parts_->services) {
    builder.RegisterService(service.service.get());
  }
  std::vector<
      std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(parts_->calls.MakeCounter());
  interceptors.push_back(parts_->admission->MakeRecorder());
  builder.SetContextAllocator(parts_->admission->MakeContexts());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  parts_->fleet_hub->Start();
  parts_->operation_hub->Start();
  parts_->admission->Start();
  parts_->server = builder.BuildAndStart();
  if (parts_->server == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        "api.listen: cannot listen on ", parts_->address.text,
        "; is another process using it (ss -ltnp), and is it an address of "
        "this machine?"));
  }
  // gRPC calls a unix socket port 1.
  if (parts_->address.unix_socket) parts_->port = 0;
  SetReady(false);
  log::Info("api listening", {{"address", parts_->address.text},
                              {"port", parts_->port},
                              {"tls", TlsText(parts_->options)}});
  if (parts_->options.access.grants.empty()) LogWithoutRoles();
  return absl::OkStatus();
}

int ApiServer::port() const { return parts_->port; }

CallCounts ApiServer::calls() const { return parts_->admission->counts(); }

void ApiServer::SetReady(bool ready) {
  grpc::HealthCheckServiceInterface* const health =
      parts_->server->GetHealthCheckService();
  health->SetServingStatus("", ready);
  for (const NamedService& service : parts_->services) {
    health->SetServingStatus(service.name, ready);
  }
}

std::optional<absl::Time> ApiServer::certificate_expires_at() const {
  return ExpiryOf(parts_->credentials.get());
}

absl::StatusOr<std::function<void()>> ApiServer::PrepareReload(
    const Options& options) {
  std::optional<TlsMaterial> material;
  if (parts_->credentials != nullptr && !options.tls.empty()) {
    ASSIGN_OR_RETURN(
        material,
        LoadTlsFiles("api", options.tls, parts_->options.client_certificates));
  }
  return [this, material = std::move(material), access = options.access] {
    if (material.has_value()) parts_->credentials->Replace(*material);
    if (access.grants.empty()) LogWithoutRoles();
    parts_->admission->SetAccess(access);
  };
}

void ApiServer::Stop(absl::Duration grace) {
  // Streams see the hubs stop and end themselves, so that clients learn why.
  parts_->fleet_hub->Stop();
  parts_->operation_hub->Stop();
  if (parts_->server != nullptr) {
    // A graceful Shutdown() would wait for clients that are idle, too, and for
    // those that have gone to sleep until their machine notices.
    const Clock& clock = Clock::Real();
    parts_->calls.AwaitNone(clock, clock.Uptime() + grace);
    parts_->server->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
    parts_->server->Wait();
  }
  parts_->admission->Stop();
}

}  // namespace rehai
