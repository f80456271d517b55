// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/server.h"

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "controller/access/role.h"
#include "controller/access/roster.h"
#include "controller/api/server_fixture.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/fake_sink.h"
#include "tests/fakes/self_signed_certificate.h"

namespace rehai {
namespace {

using google::protobuf::Empty;
using google::protobuf::Int32Value;
using google::protobuf::StringValue;
using ::testing::AllOf;
using ::testing::HasSubstr;
// What the health service says: 1 SERVING, 2 NOT_SERVING. Debian ships the
// service without its proto; these messages are the same on the wire.
int Health(const std::shared_ptr<grpc::Channel>& channel,
           const std::string& service) {
  grpc::TemplatedGenericStub<StringValue, Int32Value> stub(channel);
  grpc::CompletionQueue queue;
  StringValue request;
  request.set_value(service);
  const auto context = Patient();
  Int32Value response;
  grpc::Status status;
  auto call = stub.PrepareUnaryCall(
      context.get(), "/grpc.health.v1.Health/Check", request, &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag;
  bool ok;
  queue.Next(&tag, &ok);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.value();
}

// The bytes of the reflection service's answer to list_services.
std::string ListServices(const std::shared_ptr<grpc::Channel>& channel) {
  constexpr int kListServicesField = 7;
  grpc::TemplatedGenericStub<Empty, Empty> stub(channel);
  grpc::CompletionQueue queue;
  void* tag;
  bool ok = true;
  const auto context = Patient();
  auto call = stub.PrepareCall(
      context.get(),
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  Empty request;
  request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(
      kListServicesField, "*");
  call->Write(request, nullptr);
  queue.Next(&tag, &ok);
  Empty response;
  call->Read(&response, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_TRUE(ok);
  context->TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  return response.SerializeAsString();
}

TEST(ApiServerTest, ErrorsKeepTheirCodeAndMessage) {
  TestController controller;
  Client client(controller);
  v1::GetHostRequest request;
  request.set_node("hv9");
  EXPECT_THAT(Client::Call(*client.fleet, &v1::Fleet::Stub::GetHost, request),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("host hv9")));
}

TEST(ApiServerTest, ARequestBeyondTheBoundIsRefused) {
  TestController controller;
  Client client(controller);
  v1::GetHostRequest request;
  request.set_node(std::string(2 << 20, 'x'));
  EXPECT_THAT(Client::Call(*client.fleet, &v1::Fleet::Stub::GetHost, request),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ApiServerTest, HealthIsNotServingUntilReady) {
  TestController controller;
  const auto channel = Connect(controller.address());
  for (const char* service : {"", "rehai.v1.Fleet", "rehai.v1.Resync",
                              "rehai.v1.Chef", "rehai.v1.Source"}) {
    controller.server().SetReady(false);
    EXPECT_EQ(Health(channel, service), 2) << service;
    controller.server().SetReady(true);
    EXPECT_EQ(Health(channel, service), 1) << service;
  }
}

TEST(ApiServerTest, ReflectionNamesTheServices) {
  TestController controller;
  EXPECT_THAT(ListServices(Connect(controller.address())),
              AllOf(HasSubstr("rehai.v1.Fleet"), HasSubstr("rehai.v1.Resync"),
                    HasSubstr("rehai.v1.Chef"), HasSubstr("rehai.v1.Source")));
}

TEST(ApiServerTest, ListensOnAUnixSocket) {
  const ApiServer::Options options = TestController::AnySocket();
  TestController controller(options);
  EXPECT_EQ(controller.server().port(), 0);
  Client client(Connect(options.listen));
  EXPECT_THAT(Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                           v1::ListHostsRequest()),
              IsOk());
}

ApiServer::Options ListenOn(const std::string& address) {
  ApiServer::Options options;
  options.listen = address;
  return options;
}

Syncer::Options AsClient(const std::string& name) {
  Syncer::Options options;
  options.client_name = name;
  return options;
}

// The parts that Create() wants, without a running server.
struct Parts {
  absl::StatusOr<std::unique_ptr<ApiServer>> Create(
      ApiServer::Options options) {
    return ApiServer::Create(std::move(options), inventory, syncer, operations);
  }

  Inventory inventory{Clock::Real()};
  FakeSink sink{Clock::Real()};
  Syncer syncer{AsClient("rehai"), inventory, sink, Clock::Real()};
  ResyncOperations operations{
      ResyncOperations::Options(), inventory, syncer,
      [](const HostId&, absl::AnyInvocable<void(absl::Status)>) {},
      Clock::Real()};
};

TEST(ApiServerTest, TheSyncerAnswersAboutChef) {
  Parts parts;
  const auto server = parts.Create(TestController::AnyPort());
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT((*server)->Start(), IsOk());
  Client client(Connect(absl::StrCat("127.0.0.1:", (*server)->port())));
  const auto status = Client::Call(*client.chef, &v1::Chef::Stub::Status,
                                   v1::ChefStatusRequest());
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->status().client_name(), "rehai");

  v1::ChefSetLimitsRequest limits;
  limits.mutable_limits()->set_max_in_flight(3);
  const auto set =
      Client::Call(*client.chef, &v1::Chef::Stub::SetLimits, limits);
  ASSERT_THAT(set, IsOk());
  EXPECT_EQ(set->limits().max_in_flight(), 3);
  EXPECT_GT(set->limits().requests_per_second(), 0);

  v1::ChefCostRequest cost;
  cost.set_node("hv9");
  EXPECT_THAT(Client::Call(*client.chef, &v1::Chef::Stub::Cost, cost),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
}

TEST(ApiServerTest, WithoutSourcesThereIsNoSourceService) {
  Parts parts;
  const auto server = parts.Create(TestController::AnyPort());
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT((*server)->Start(), IsOk());
  Client client(Connect(absl::StrCat("127.0.0.1:", (*server)->port())));
  EXPECT_THAT(Client::Call(*client.source, &v1::Source::Stub::Status,
                           v1::SourceStatusRequest()),
              StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(ApiServerTest, APortThatIsTakenIsRefused) {
  TestController controller;
  Parts parts;
  const auto second = parts.Create(ListenOn(controller.address()));
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT((*second)->Start(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr(controller.address())));
}

TEST(ApiServerTest, PlaintextForEveryoneMustBeAskedFor) {
  Parts parts;
  ApiServer::Options options = ListenOn("0.0.0.0:0");
  EXPECT_THAT(parts.Create(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("allow_plaintext_from_anywhere")));
  options.allow_plaintext_from_anywhere = true;
  EXPECT_THAT(parts.Create(options), IsOk());
}

class TlsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    EXPECT_THAT(WriteFileAtomically(path, content, 0600), IsOk());
    return path;
  }

  const SelfSignedCertificate server_ = MakeSelfSignedCertificate();
  const SelfSignedCertificate client_ = MakeSelfSignedCertificate();
  const TlsFiles files_{
      .certificate = Write("server.pem", server_.certificate_pem),
      .key = Write("server.key", server_.key_pem),
      .client_ca = Write("client.pem", client_.certificate_pem)};
};

absl::Status ListHosts(const std::string& address,
                       const grpc::SslCredentialsOptions& ssl) {
  Client client(grpc::CreateChannel(address, grpc::SslCredentials(ssl)));
  return Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                      v1::ListHostsRequest())
      .status();
}

TEST_F(TlsTest, OnlyClientsWithATrustedCertificateAreAnswered) {
  ApiServer::Options options = TestController::AnyPort();
  options.tls = files_;
  TestController controller(options);
  const std::string address = controller.address();

  grpc::SslCredentialsOptions trusted;
  trusted.pem_root_certs = server_.certificate_pem;
  trusted.pem_cert_chain = client_.certificate_pem;
  trusted.pem_private_key = client_.key_pem;
  EXPECT_THAT(ListHosts(address, trusted), IsOk());

  grpc::SslCredentialsOptions without_certificate;
  without_certificate.pem_root_certs = server_.certificate_pem;
  EXPECT_THAT(ListHosts(address, without_certificate),
              StatusIs(absl::StatusCode::kUnavailable));

  const SelfSignedCertificate stranger = MakeSelfSignedCertificate();
  grpc::SslCredentialsOptions untrusted = trusted;
  untrusted.pem_cert_chain = stranger.certificate_pem;
  untrusted.pem_private_key = stranger.key_pem;
  EXPECT_THAT(ListHosts(address, untrusted),
              StatusIs(absl::StatusCode::kUnavailable));

  Client plaintext(Connect(address));
  EXPECT_THAT(Client::Call(*plaintext.fleet, &v1::Fleet::Stub::ListHosts,
                           v1::ListHostsRequest()),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(TlsTest, CertificatesAreReplacedForThoseWhoConnectAfterwards) {
  ApiServer::Options options = TestController::AnyPort();
  options.tls = files_;
  TestController controller(options);
  const std::string address = controller.address();
  const auto trusting = [this](const SelfSignedCertificate& server) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = server.certificate_pem;
    ssl.pem_cert_chain = client_.certificate_pem;
    ssl.pem_private_key = client_.key_pem;
    return ssl;
  };
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  Client early(grpc::CreateCustomChannel(
      address, grpc::SslCredentials(trusting(server_)), own));
  const auto ask = [](Client& client) {
    return Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                        v1::ListHostsRequest())
        .status();
  };
  ASSERT_THAT(ask(early), IsOk());

  const SelfSignedCertificate renewed = MakeSelfSignedCertificate();
  Write("server.pem", renewed.certificate_pem);
  // A key that is not there yet changes nothing.
  EXPECT_THAT(controller.server().PrepareReload(options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not the key of")));
  EXPECT_THAT(ListHosts(address, trusting(server_)), IsOk());
  Write("server.key", renewed.key_pem);
  const auto take = controller.server().PrepareReload(options);
  ASSERT_THAT(take, IsOk());
  EXPECT_THAT(ListHosts(address, trusting(server_)), IsOk());
  (*take)();

  EXPECT_THAT(ListHosts(address, trusting(renewed)), IsOk());
  EXPECT_THAT(ListHosts(address, trusting(server_)),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(ask(early), IsOk());
}

TEST_F(TlsTest, TellsWhenItsCertificateExpires) {
  const absl::Time now = Clock::Real().Now();
  const TestAuthority authority = MakeTestAuthority(now);
  const TestCertificate ends =
      MakeTestCertificate(authority, "DNS:localhost", now, absl::Hours(5));
  ApiServer::Options options = TestController::AnyPort();
  options.tls = files_;
  options.tls.certificate = Write("ends.pem", ends.certificate_pem);
  options.tls.key = Write("ends.key", ends.key_pem);
  TestController controller(options);
  const auto expires_at = controller.server().certificate_expires_at();
  ASSERT_TRUE(expires_at.has_value());
  EXPECT_EQ(absl::ToUnixSeconds(*expires_at),
            absl::ToUnixSeconds(now + absl::Hours(5)));
  EXPECT_FALSE(TestController().server().certificate_expires_at().has_value());
}

// Roles over TLS, with certificates of an authority.
class RolesTest : public TlsTest {
 protected:
  RolesTest() : authority_(MakeTestAuthority(Clock::Real().Now())) {}

  ApiServer::Options Options(ClientCertificates certificates) {
    ApiServer::Options options = TestController::AnyPort();
    options.tls = files_;
    options.tls.client_ca = Write("ca.pem", authority_.certificate_pem);
    options.client_certificates = certificates;
    options.access.grants.push_back(
        {.role = Role::kReader, .certificates = {"*.front.example.com"}});
    options.access.grants.push_back({.role = Role::kOperator,
                                     .certificates = {"URI:rehai:ops:*"},
                                     .tokens = {Sha256Of("an operator's")}});
    return options;
  }

  // For a client with such names in its certificate; "": without one.
  Client With(const TestController& controller, const std::string& names) {
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = server_.certificate_pem;
    if (!names.empty()) {
      const TestCertificate certificate =
          MakeTestCertificate(authority_, names, Clock::Real().Now());
      ssl.pem_cert_chain = certificate.certificate_pem;
      ssl.pem_private_key = certificate.key_pem;
    }
    return Client(
        grpc::CreateChannel(controller.address(), grpc::SslCredentials(ssl)));
  }

  static absl::Status Read(Client& client) {
    return Client::Call(*client.fleet, &v1::Fleet::Stub::ListHosts,
                        v1::ListHostsRequest())
        .status();
  }

  // An operator's command with a token.
  static grpc::Status StartWithToken(Client& client, const std::string& token) {
    const auto context = Patient();
    context->AddMetadata("authorization", "Bearer " + token);
    v1::ResyncStartRequest request;
    request.add_modes(v1::RESYNC_MODE_REREAD);
    v1::ResyncStartResponse response;
    return client.resync->Start(context.get(), request, &response);
  }

  const TestAuthority authority_;
};

TEST_F(RolesTest, WhatACertificateIsNamedDecidesWhatItMay) {
  TestController controller(Options(ClientCertificates::kRequired));
  controller.Observe("hv1", {});
  Client front = With(controller, "DNS:a.front.example.com");
  EXPECT_THAT(Read(front), IsOk());
  EXPECT_THAT(front.Start({v1::RESYNC_MODE_REREAD}),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("its role is reader")));

  Client ops = With(controller, "URI:rehai:ops:alice");
  EXPECT_THAT(Read(ops), IsOk());
  EXPECT_THAT(ops.Start({v1::RESYNC_MODE_REREAD}), IsOk());
  EXPECT_THAT(Client::Call(*ops.chef, &v1::Chef::Stub::SetLimits,
                           v1::ChefSetLimitsRequest()),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("needs the role admin")));

  Client stranger = With(controller, "DNS:front.example.com");
  EXPECT_THAT(Read(stranger), StatusIs(absl::StatusCode::kPermissionDenied,
                                       HasSubstr("DNS:front.example.com")));
}

TEST_F(RolesTest, ATokenServesWhereCertificatesAreOptional) {
  TestController controller(Options(ClientCertificates::kOptional));
  controller.Observe("hv1", {});
  Client nobody = With(controller, "");
  EXPECT_THAT(Read(nobody), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_TRUE(StartWithToken(nobody, "an operator's").ok());
  EXPECT_EQ(StartWithToken(nobody, "a guess").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  Client front = With(controller, "DNS:a.front.example.com");
  EXPECT_THAT(Read(front), IsOk());
}

TEST_F(RolesTest, AnOptionalCertificateIsVerifiedAllTheSame) {
  TestController controller(Options(ClientCertificates::kOptional));
  const TestCertificate forged =
      MakeTestCertificate(MakeTestAuthority(Clock::Real().Now()),
                          "URI:rehai:ops:mallory", Clock::Real().Now());
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = server_.certificate_pem;
  ssl.pem_cert_chain = forged.certificate_pem;
  ssl.pem_private_key = forged.key_pem;
  EXPECT_THAT(ListHosts(controller.address(), ssl),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RolesTest, RolesAreReplacedAndStreamsEndThatTheyNoLongerAllow) {
  ApiServer::Options options = Options(ClientCertificates::kOptional);
  TestController controller(options);
  controller.Observe("hv1", {});
  Client front = With(controller, "DNS:a.front.example.com");
  Client ops = With(controller, "URI:rehai:ops:alice");
  const auto front_context = Patient();
  const auto ops_context = Patient();
  const auto fronts =
      front.fleet->Watch(front_context.get(), v1::FleetWatchRequest());
  const auto opss =
      ops.fleet->Watch(ops_context.get(), v1::FleetWatchRequest());
  v1::FleetWatchResponse step;
  ASSERT_TRUE(fronts->Read(&step));
  ASSERT_TRUE(opss->Read(&step));
  EXPECT_TRUE(StartWithToken(ops, "an operator's").ok());

  // The front end is taken away, and the token replaced.
  options.access.grants.erase(options.access.grants.begin());
  options.access.grants[0].tokens = {Sha256Of("another")};
  const auto take = controller.server().PrepareReload(options);
  ASSERT_THAT(take, IsOk());
  (*take)();

  while (fronts->Read(&step)) {
  }
  const grpc::Status end = fronts->Finish();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(end.error_message(), HasSubstr("Fleet.Watch"));
  EXPECT_THAT(Read(front), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(StartWithToken(ops, "an operator's").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(StartWithToken(ops, "another").ok());
  // The operator's stream is as it was.
  controller.Observe("hv2", {});
  while (step.record().node() != "hv2" && opss->Read(&step)) {
  }
  EXPECT_EQ(step.record().node(), "hv2");
  ops_context->TryCancel();
  opss->Finish();
}

TEST_F(RolesTest, HealthIsForWhoeverCanConnect) {
  TestController controller(Options(ClientCertificates::kOptional));
  controller.server().SetReady(true);
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = server_.certificate_pem;
  const auto channel =
      grpc::CreateChannel(controller.address(), grpc::SslCredentials(ssl));
  EXPECT_EQ(Health(channel, "rehai.v1.Fleet"), 1);
}

TEST_F(TlsTest, AWrongFileIsNamedAtTheStart) {
  Parts parts;
  const auto with = [&](auto change) {
    ApiServer::Options options;
    options.tls = files_;
    change(options.tls);
    return parts.Create(options).status();
  };
  EXPECT_THAT(with([](TlsFiles& tls) { tls.key = ""; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("api.tls.key_file")));
  EXPECT_THAT(with([](TlsFiles& tls) { tls.client_ca = "/no/such.pem"; }),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such.pem")));
  EXPECT_THAT(with([](TlsFiles& tls) { std::swap(tls.key, tls.certificate); }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no PEM certificate")));
  EXPECT_THAT(with([](TlsFiles& tls) { tls.key = tls.certificate; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no PEM private key")));
  EXPECT_THAT(with([](TlsFiles& tls) { tls.certificate = tls.client_ca; }),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not the key of")));
}

}  // namespace
}  // namespace rehai
