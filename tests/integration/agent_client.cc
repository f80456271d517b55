// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/integration/agent_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"

namespace rehai::integration {
namespace {

// gRPC's codes are Abseil's.
absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

std::shared_ptr<grpc::Channel> Connect(AgentSite& site,
                                       const TestCertificate& shown) {
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs =
      ReadFile(site.authorities().server_ca_file()).value_or("");
  ssl.pem_cert_chain = shown.certificate_pem;
  ssl.pem_private_key = shown.key_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      absl::StrCat("127.0.0.1:", site.controller().agents_port()),
      grpc::SslCredentials(ssl), arguments);
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::minutes(1));
}

template <typename Response, typename Request>
absl::StatusOr<Response> Call(
    v1::AgentService::Stub& stub,
    grpc::Status (v1::AgentService::Stub::*method)(grpc::ClientContext*,
                                                   const Request&, Response*),
    const Request& request) {
  grpc::ClientContext context;
  SetDeadline(context);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (status.ok()) return response;
  return FromGrpc(status);
}

}  // namespace

AgentClient::AgentClient(AgentSite& site, const TestCertificate& shown)
    : channel_(Connect(site, shown)),
      stub_(v1::AgentService::NewStub(channel_)) {}

AgentClient::~AgentClient() { Break(); }

void AgentClient::Open() {
  Break();
  context_ = std::make_unique<grpc::ClientContext>();
  SetDeadline(*context_);
  stream_ = stub_->Session(context_.get());
}

absl::StatusOr<v1::AgentWelcome> AgentClient::Greet(
    const std::string& node, const std::string& host_uuid) {
  Open();
  v1::SessionRequest message;
  message.mutable_hello()->set_node(node);
  message.mutable_hello()->set_host_uuid(host_uuid);
  message.mutable_hello()->set_agent_version("test");
  Say(message);  // if it fails, Hear() tells why
  absl::StatusOr<v1::SessionResponse> answer = Hear();
  if (!answer.ok()) return answer.status();
  if (answer->has_welcome()) return answer->welcome();
  return absl::UnavailableError(answer->ShortDebugString());
}

bool AgentClient::Say(const v1::SessionRequest& message) {
  return stream_ != nullptr && stream_->Write(message);
}

absl::StatusOr<v1::SessionResponse> AgentClient::Hear() {
  v1::SessionResponse message;
  while (stream_ != nullptr && stream_->Read(&message)) {
    if (!message.has_heartbeat()) return message;
  }
  const absl::Status end = AwaitEnd();
  return end.ok() ? absl::OutOfRangeError("the session has ended") : end;
}

absl::Status AgentClient::AwaitEnd() {
  if (stream_ == nullptr) return absl::OutOfRangeError("no session is open");
  for (v1::SessionResponse ignored; stream_->Read(&ignored);) {
  }
  const auto stream = std::exchange(stream_, nullptr);
  return FromGrpc(stream->Finish());
}

void AgentClient::Break() {
  if (stream_ == nullptr) return;
  context_->TryCancel();
  AwaitEnd().IgnoreError();  // it is the one that was asked for
}

absl::StatusOr<v1::BeginEnrolmentResponse> AgentClient::BeginEnrolment(
    const std::string& node) {
  v1::BeginEnrolmentRequest request;
  request.set_node(node);
  return Call(*stub_, &v1::AgentService::Stub::BeginEnrolment, request);
}

absl::StatusOr<v1::FinishEnrolmentResponse> AgentClient::FinishEnrolment(
    const v1::FinishEnrolmentRequest& request) {
  return Call(*stub_, &v1::AgentService::Stub::FinishEnrolment, request);
}

absl::StatusOr<v1::RenewCertificateResponse> AgentClient::RenewCertificate(
    const std::string& certificate_request) {
  v1::RenewCertificateRequest request;
  request.set_certificate_request(certificate_request);
  return Call(*stub_, &v1::AgentService::Stub::RenewCertificate, request);
}

}  // namespace rehai::integration
