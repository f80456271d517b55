// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/caller.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "rehai/v1/fleet.grpc.pb.h"
#include "tests/fakes/self_signed_certificate.h"

namespace rehai {
namespace {

using ::testing::MatchesRegex;

// Answers who asks.
class WhoAmI final : public v1::Fleet::CallbackService {
  grpc::ServerUnaryReactor* GetHost(grpc::CallbackServerContext* context,
                                    const v1::GetHostRequest*,
                                    v1::GetHostResponse* response) override {
    response->mutable_host()->set_node(CallerName(*context));
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

std::string Ask(const std::shared_ptr<grpc::ServerCredentials>& server_side,
                const std::shared_ptr<grpc::ChannelCredentials>& client_side) {
  WhoAmI service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", server_side, &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = v1::Fleet::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), client_side));
  grpc::ClientContext context;
  v1::GetHostResponse response;
  const grpc::Status status =
      stub->GetHost(&context, v1::GetHostRequest(), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.host().node();
}

TEST(CallerTest, WithoutTlsACallerIsWhereItCallsFrom) {
  EXPECT_THAT(Ask(grpc::InsecureServerCredentials(),
                  grpc::InsecureChannelCredentials()),
              MatchesRegex("ipv4:127.0.0.1:[0-9]+"));
}

TEST(CallerTest, WithTlsItHasTheNameInItsCertificate) {
  const SelfSignedCertificate server = MakeSelfSignedCertificate();
  const SelfSignedCertificate client = MakeSelfSignedCertificate();
  grpc::SslServerCredentialsOptions server_side(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  server_side.pem_root_certs = client.certificate_pem;
  server_side.pem_key_cert_pairs.push_back(
      {server.key_pem, server.certificate_pem});
  grpc::SslCredentialsOptions client_side;
  client_side.pem_root_certs = server.certificate_pem;
  client_side.pem_cert_chain = client.certificate_pem;
  client_side.pem_private_key = client.key_pem;
  EXPECT_THAT(Ask(grpc::SslServerCredentials(server_side),
                  grpc::SslCredentials(client_side)),
              MatchesRegex("localhost at ipv4:127.0.0.1:[0-9]+"));
}

}  // namespace
}  // namespace rehai
