// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_server.h"

#include <grpc/support/time.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "controller/api/calls_under_way.h"
#include "controller/api/listen_address.h"
#include "controller/api/tls_credentials.h"

namespace rehai {
namespace {

// A full report of some thousand guests fits.
constexpr int kMaxMessageBytes = 16 << 20;

// What gRPC may hold for all agents together: a big report of each of a few
// dozen at once, beside what thousands of idle connections hold.
constexpr size_t kMostBufferedBytes = size_t{1} << 30;

// With the enrolment's authority beside the one of the files.
absl::StatusOr<TlsMaterial> LoadTls(const TlsFiles& files,
                                    const std::string& enrolment_ca_pem) {
  ASSIGN_OR_RETURN(
      TlsMaterial material,
      LoadTlsFiles("agents", files, ClientCertificates::kOptional));
  if (material.client_ca_pem.empty() && enrolment_ca_pem.empty()) {
    return absl::InvalidArgumentError(
        "agents.tls.client_ca_file: missing, and agents.enrolment too, so no "
        "agent's certificate could be verified; set one of them");
  }
  absl::StrAppend(&material.client_ca_pem, "\n", enrolment_ca_pem);
  return material;
}

// Null without TLS.
absl::StatusOr<std::shared_ptr<TlsCredentials>> MakeCredentials(
    const AgentServer::Options& options, const ListenAddress& address) {
  RETURN_IF_ERROR(
      CheckNotOpenToEveryone("agents", address, !options.tls.empty(),
                             options.allow_plaintext_from_anywhere));
  if (options.tls.empty()) return nullptr;
  ASSIGN_OR_RETURN(TlsMaterial material,
                   LoadTls(options.tls, options.enrolment_ca_pem));
  // An agent that enrols has no certificate yet.
  return std::make_shared<TlsCredentials>(
      std::move(material), GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
}

void Bound(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(
      grpc::ResourceQuota("agents").Resize(kMostBufferedBytes));
  const auto set = [&builder](const char* argument, int value) {
    builder.AddChannelArgument(argument, value);
  };
  // A second controller on the same port is an error, not a half share of it.
  set(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // An agent has one session, and now and then a certificate to renew.
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4);
  // Its bookkeeping of connections, for a service that is not served here.
  set(GRPC_ARG_ENABLE_CHANNELZ, 0);
  // Heartbeats of a hundred bytes and reports of some kilobytes: windows do not
  // grow, and buffers are as large as one message needs.
  set(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  set(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  set(GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, 16 << 10);
  set(GRPC_ARG_TCP_READ_CHUNK_SIZE, 4 << 10);
  set(GRPC_ARG_TCP_MIN_READ_CHUNK_SIZE, 1 << 10);
  set(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 64 << 10);
  // Names and credentials are all that headers have to carry.
  set(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  set(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, 1 << 10);
  set(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_ENCODER, 1 << 10);
  // Heartbeats find who is silent; this finds whose machine has vanished with
  // our bytes on their way to it.
  set(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // Who connects and asks nothing is not kept.
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 60'000);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000);
}

}  // namespace

// Members are destroyed in reverse order: first the server, then what it uses.
struct AgentServer::Parts {
  Options options;
  ListenAddress address;
  std::shared_ptr<TlsCredentials> credentials;  // null without TLS
  std::unique_ptr<AgentService> agents;
  CallsUnderWay calls;
  int port = 0;
  std::unique_ptr<grpc::Server> server;
};

absl::StatusOr<std::unique_ptr<AgentServer>> AgentServer::Create(
    Options options, OpenAgentSession open, Enrolment* enrolment,
    const Clock& clock) {
  auto parts = std::make_unique<Parts>();
  ASSIGN_OR_RETURN(parts->address,
                   ParseListenAddress("agents.listen", options.listen));
  ASSIGN_OR_RETURN(parts->credentials,
                   MakeCredentials(options, parts->address));
  options.service.transport =
      options.tls.empty() ? AgentTransport::kClear : AgentTransport::kTls;
  parts->agents =
      AgentService::Make(options.service, std::move(open), enrolment, clock);
  parts->options = std::move(options);
  return std::unique_ptr<AgentServer>(new AgentServer(std::move(parts)));
}

AgentServer::AgentServer(std::unique_ptr<Parts> parts)
    : parts_(std::move(parts)) {}

AgentServer::~AgentServer() { Stop(absl::ZeroDuration()); }

absl::Status AgentServer::Start() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  Bound(builder);
  builder.AddListeningPort(parts_->address.text, OrInClear(parts_->credentials),
                           &parts_->port);
  builder.RegisterService(&parts_->agents->service());
  std::vector<
      std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
      interceptors;
  interceptors.push_back(parts_->calls.MakeCounter());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  parts_->server = builder.BuildAndStart();
  if (parts_->server == nullptr) {
    return absl::UnavailableError(absl::StrCat(
        "agents.listen: cannot listen on ", parts_->address.text,
        "; is another process using it (ss -ltnp), and is it an address of "
        "this machine?"));
  }
  // gRPC calls a unix socket port 1.
  if (parts_->address.unix_socket) parts_->port = 0;
  SetReady(false);
  log::Info("agents listened to",
            {{"address", parts_->address.text},
             {"port", parts_->port},
             {"tls", parts_->options.tls.empty() ? "off" : "on"}});
  return absl::OkStatus();
}

int AgentServer::port() const { return parts_->port; }

CertificateCounts AgentServer::certificates() const {
  return parts_->agents->certificates();
}

std::optional<absl::Time> AgentServer::certificate_expires_at() const {
  return ExpiryOf(parts_->credentials.get());
}

absl::StatusOr<std::function<void()>> AgentServer::PrepareReload(
    const TlsFiles& tls) {
  std::optional<TlsMaterial> material;
  if (parts_->credentials != nullptr && !tls.empty()) {
    ASSIGN_OR_RETURN(material, LoadTls(tls, parts_->options.enrolment_ca_pem));
  }
  return [this, material = std::move(material)] {
    if (material.has_value()) parts_->credentials->Replace(*material);
  };
}

void AgentServer::SetReady(bool ready) {
  grpc::HealthCheckServiceInterface* const health =
      parts_->server->GetHealthCheckService();
  for (const char* service : {"", "rehai.v1.AgentService"}) {
    health->SetServingStatus(service, ready);
  }
}

void AgentServer::Stop(absl::Duration grace) {
  if (parts_->server == nullptr) return;
  // As in ApiServer: a graceful Shutdown() would wait for who has no call.
  const Clock& clock = Clock::Real();
  parts_->calls.AwaitNone(clock, clock.Uptime() + grace);
  parts_->server->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  parts_->server->Wait();
}

}  // namespace rehai
