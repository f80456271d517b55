// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AGENT_SERVER_FIXTURE_H_
#define CONTROLLER_API_AGENT_SERVER_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/sync_stream.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "base/mutex.h"
#include "controller/api/agent_server.h"
#include "rehai/v1/agent.grpc.pb.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

// What the tests of the agents' server share.
namespace rehai {

// Long enough not to matter on a busy machine, and short of a test's own end,
// so that what never comes is told of.
inline constexpr absl::Duration kAgentPatience = absl::Seconds(20);

inline absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

// An agent of its own connection.
class TestAgent {
 public:
  explicit TestAgent(std::shared_ptr<grpc::Channel> channel)
      : stub_(v1::AgentService::NewStub(channel)) {}

  // A session, until End() or Break().
  void Open() {
    // Longer than a test waits: it is not this that ends a session.
    context_ = Patient(2 * kAgentPatience);
    stream_ = stub_->Session(context_.get());
  }
  bool Say(const v1::SessionRequest& message) {
    return stream_->Write(message);
  }
  // Nullopt: the session is over.
  std::optional<v1::SessionResponse> Hear() {
    v1::SessionResponse message;
    if (!stream_->Read(&message)) return std::nullopt;
    return message;
  }
  // Says nothing more, and tells how the session ended.
  absl::Status End() {
    stream_->WritesDone();
    return AwaitEnd();
  }
  // Tells how the session ended, whatever was said before.
  absl::Status AwaitEnd() {
    v1::SessionResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    return FromGrpc(stream_->Finish());
  }
  void Break() { context_->TryCancel(); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      grpc::Status (v1::AgentService::Stub::*method)(grpc::ClientContext*,
                                                     const Request&, Response*),
      const Request& request) {
    Response response;
    const grpc::Status status =
        ((*stub_).*method)(Patient().get(), request, &response);
    if (status.ok()) return response;
    return FromGrpc(status);
  }

 private:
  static std::unique_ptr<grpc::ClientContext> Patient(
      absl::Duration patience = kAgentPatience) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          absl::ToChronoSeconds(patience));
    return context;
  }

  const std::unique_ptr<v1::AgentService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>>
      stream_;
};

// The files of a server over TLS, and certificates for agents.
class AgentTlsTest : public testing::Test {
 protected:
  // Its time is OpenSSL's.
  AgentTlsTest() { clock_.JumpWall(Clock::Real().Now() - clock_.Now()); }

  static std::string Write(const std::string& name,
                           const std::string& content) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, 0600), IsOk());
    return path;
  }

  AgentServer::Options OverTls() const {
    AgentServer::Options options;
    options.listen = "127.0.0.1:0";
    options.tls = {.certificate = Write("server.pem", server_.certificate_pem),
                   .key = Write("server.key", server_.key_pem),
                   .client_ca = Write("ca.pem", authority_.certificate_pem)};
    return options;
  }

  TestCertificate Certificate(const std::string& names) const {
    return MakeTestCertificate(authority_, names, clock_.Now());
  }

  // Without certificate.
  std::shared_ptr<grpc::Channel> Connect(const AgentServer& server) const {
    return Connect(server, {});
  }
  std::shared_ptr<grpc::Channel> Connect(
      const AgentServer& server, const TestCertificate& certificate) const {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = server_.certificate_pem;
    ssl.pem_cert_chain = certificate.certificate_pem;
    ssl.pem_private_key = certificate.key_pem;
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server.port()),
                                     grpc::SslCredentials(ssl),
                                     OwnConnection());
  }
  static std::shared_ptr<grpc::Channel> ConnectInClear(
      const AgentServer& server) {
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server.port()),
                                     grpc::InsecureChannelCredentials(),
                                     OwnConnection());
  }

  FakeClock clock_;
  const TestAuthority authority_ = MakeTestAuthority(Clock::Real().Now());
  const SelfSignedCertificate server_ = MakeSelfSignedCertificate();

 private:
  static grpc::ChannelArguments OwnConnection() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    // Or what nobody reads would be buffered by the megabyte.
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return arguments;
  }
};

}  // namespace rehai

#endif  // CONTROLLER_API_AGENT_SERVER_FIXTURE_H_
