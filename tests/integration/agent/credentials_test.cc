// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The agent's credentials against the controller's own enrolment, over TLS.
#include <gmock/gmock.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/controller_credentials.h"
#include "agent/kept_identity.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/file.h"
#include "controller/enrolment/agent_names.h"
#include "controller/enrolment/certificate_authority.h"
#include "controller/enrolment/enrolment.h"
#include "rehai/v1/agent.grpc.pb.h"
#include "tests/fakes/certificates.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/fakes/self_signed_certificate.h"
#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;

constexpr absl::Duration kTimeout = absl::Seconds(20);
constexpr absl::Duration kLife = absl::Hours(24);

const RsaKeyPair& ChefKey(int which) {
  static const auto* const keys =
      new std::vector<RsaKeyPair>{MakeRsaKeyPair(), MakeRsaKeyPair()};
  return (*keys)[which];
}

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()));
}

std::set<std::string> NodesOf(const grpc::ServerContext& context) {
  std::vector<std::string> uris;
  for (const grpc::string_ref& uri : context.auth_context()->FindPropertyValues(
           GRPC_PEER_URI_PROPERTY_NAME)) {
    uris.emplace_back(uri.data(), uri.size());
  }
  return ReadAgentNames(uris, {}).nodes;
}

// The controller's end of the three steps, and what was asked.
class Certifier final : public v1::AgentService::Service {
 public:
  explicit Certifier(Enrolment& enrolment) : enrolment_(enrolment) {}

  grpc::Status BeginEnrolment(grpc::ServerContext*,
                              const v1::BeginEnrolmentRequest* request,
                              v1::BeginEnrolmentResponse* response) override {
    ++begun;
    return Answer(enrolment_.Begin({request->node()}), response);
  }

  grpc::Status FinishEnrolment(grpc::ServerContext*,
                               const v1::FinishEnrolmentRequest* request,
                               v1::FinishEnrolmentResponse* response) override {
    absl::StatusOr<v1::FinishEnrolmentResponse> result =
        absl::InternalError("never called back");
    enrolment_.Finish(*request, [&](auto done) { result = std::move(done); });
    if (result.ok() && issue_garbage) result->set_certificate_chain("garbage");
    return Answer(std::move(result), response);
  }

  grpc::Status RenewCertificate(
      grpc::ServerContext* context, const v1::RenewCertificateRequest* request,
      v1::RenewCertificateResponse* response) override {
    const std::set<std::string> nodes = NodesOf(*context);
    if (nodes.empty()) {
      return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no certificate");
    }
    ++renewed;
    return Answer(
        enrolment_.Renew({*nodes.begin()}, request->certificate_request()),
        response);
  }

  std::atomic<int> begun = 0;
  std::atomic<int> renewed = 0;
  std::atomic<bool> issue_garbage = false;

 private:
  template <typename Response>
  static grpc::Status Answer(absl::StatusOr<Response> result, Response* out) {
    if (!result.ok()) return ToGrpc(result.status());
    *out = *std::move(result);
    return grpc::Status::OK;
  }

  Enrolment& enrolment_;
};

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest()
      : folder_(absl::StrCat(
            testing::TempDir(), "/",
            testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    Write("ca.pem", certificate_.certificate_pem);
    Write("client.pem", ChefKey(0).private_pkcs1);
    keys_ = {{"hv1", ChefKey(0).public_pem}, {"hv2", ChefKey(1).public_pem}};
    Start("127.0.0.1:0");
  }
  ~CredentialsTest() override { std::filesystem::remove_all(folder_); }

  void Start(const std::string& address) {
    grpc::SslServerCredentialsOptions tls(
        GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_root_certs = authority_.certificate_pem;
    tls.pem_key_cert_pairs.push_back(
        {certificate_.key_pem, certificate_.certificate_pem});
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::SslServerCredentials(tls), &port_);
    builder.RegisterService(&certifier_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  std::string Path(const std::string& file) const {
    return absl::StrCat(folder_, "/", file);
  }
  void Write(const std::string& file, const std::string& content) {
    EXPECT_THAT(WriteFileAtomically(Path(file), content, 0600), IsOk());
  }

  ControllerCredentials::Options Options() const {
    return {.controller = absl::StrCat("127.0.0.1:", port_),
            .ca_file = Path("ca.pem"),
            .node = "hv1",
            .client_key_file = Path("client.pem"),
            .state_folder = Path("state")};
  }

  std::unique_ptr<ControllerCredentials> Create() { return Create(Options()); }
  std::unique_ptr<ControllerCredentials> Create(
      ControllerCredentials::Options options) {
    auto created = ControllerCredentials::Create(std::move(options), clock_);
    EXPECT_THAT(created, IsOk());
    return *std::move(created);
  }

  // For which nodes a call with these credentials is taken to speak: it renews
  // the certificate for the node that it shows.
  absl::Status Speak(ControllerCredentials& credentials) {
    auto channel_credentials = credentials.Get(kTimeout);
    if (!channel_credentials.ok()) return channel_credentials.status();
    const auto stub = v1::AgentService::NewStub(grpc::CreateCustomChannel(
        Options().controller, *channel_credentials, credentials.arguments()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(20));
    v1::RenewCertificateRequest request;
    request.set_certificate_request(MakeTestRequest("any").der);
    v1::RenewCertificateResponse response;
    const grpc::Status status =
        stub->RenewCertificate(&context, request, &response);
    if (!status.ok()) {
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message());
    }
    spoken_for_ = Printed(response.certificate_chain());
    return absl::OkStatus();
  }

  std::string Kept() const {
    return ReadFile(KeptFile(Path("state"))).value_or("");
  }

  static FakeClock& AtRealTime(FakeClock& clock) {
    // TLS looks at the machine's clock.
    clock.JumpWall(Clock::Real().Now() - clock.Now());
    return clock;
  }

  FakeClock clock_;
  const std::string folder_;
  const SelfSignedCertificate certificate_ = MakeSelfSignedCertificate();
  const TestAuthority authority_ =
      MakeTestAuthority(AtRealTime(clock_).Now(), absl::Hours(24 * 365));
  std::set<std::string> fleet_ = {"hv1", "hv2"};
  std::map<std::string, std::string> keys_;
  Enrolment enrolment_{
      {.certificate_lifetime = kLife},
      *CertificateAuthority::Create(authority_.certificate_pem,
                                    authority_.key_pem, clock_),
      {.is_in_fleet =
           [this](const HostId& host) { return fleet_.contains(host.node); },
       .keys =
           [this](const std::string& client, Enrolment::KeysDone done) {
             done(std::vector<std::string>{keys_[client]});
           }},
      clock_};
  Certifier certifier_{enrolment_};
  int port_ = 0;
  std::string spoken_for_;
  // Last: destroyed first.
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(CredentialsTest, EnrolsWithTheChefClientKeyAndSpeaksForItsNode) {
  const auto credentials = Create();
  EXPECT_EQ(credentials->renew_at(), absl::InfiniteFuture());
  EXPECT_EQ(certifier_.begun, 0);  // nobody was asked yet
  ASSERT_THAT(Speak(*credentials), IsOk());
  EXPECT_THAT(spoken_for_, HasSubstr("URI:rehai:node:hv1"));
  EXPECT_EQ(certifier_.begun, 1);
}

TEST_F(CredentialsTest, WhatWasIssuedIsForNobodyElseToRead) {
  ASSERT_THAT(Create()->Get(kTimeout), IsOk());
  struct stat found = {};
  ASSERT_EQ(stat(KeptFile(Path("state")).c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  EXPECT_THAT(Kept(), AllOf(HasSubstr("PRIVATE KEY"), HasSubstr("CERTIF")));
}

TEST_F(CredentialsTest, ARestartUsesWhatWasKeptAndAsksNobody) {
  ASSERT_THAT(Create()->Get(kTimeout), IsOk());
  const auto credentials = Create();
  ASSERT_THAT(Speak(*credentials), IsOk());
  EXPECT_THAT(spoken_for_, HasSubstr("URI:rehai:node:hv1"));
  EXPECT_EQ(certifier_.begun, 1);
}

TEST_F(CredentialsTest, IsToBeRenewedAfterTwoThirdsOfItsLifeOrALittleBefore) {
  const auto credentials = Create();
  ASSERT_THAT(credentials->Get(kTimeout), IsOk());
  const auto two_thirds = AllOf(Ge(absl::Hours(13)), Le(absl::Hours(16)));
  EXPECT_THAT(credentials->renew_at() - clock_.Now(), two_thirds);
  EXPECT_THAT(Create()->renew_at() - clock_.Now(), two_thirds);
}

TEST_F(CredentialsTest, RenewsWithTheOldCertificateAndANewKey) {
  const auto credentials = Create();
  ASSERT_THAT(credentials->Get(kTimeout), IsOk());
  const std::string before = Kept();
  clock_.Advance(absl::Minutes(1));
  ASSERT_THAT(credentials->Renew(kTimeout), IsOk());
  EXPECT_EQ(certifier_.renewed, 1);
  EXPECT_EQ(certifier_.begun, 1);
  EXPECT_NE(Kept().substr(0, Kept().find("CERTIFICATE")),
            before.substr(0, before.find("CERTIFICATE")));
  EXPECT_THAT(credentials->renew_at() - clock_.Now(), Ge(absl::Hours(13)));
  // And with the new one, now and after a restart.
  ASSERT_THAT(Speak(*credentials), IsOk());
  ASSERT_THAT(Speak(*Create()), IsOk());
  EXPECT_THAT(spoken_for_, HasSubstr("URI:rehai:node:hv1"));
}

TEST_F(CredentialsTest, ARenewalThatFailsIsTriedAgainInATenthOfWhatIsLeft) {
  const auto credentials = Create();
  ASSERT_THAT(credentials->Get(kTimeout), IsOk());
  const std::string before = Kept();
  fleet_.erase("hv1");
  clock_.Advance(absl::Hours(14));
  EXPECT_THAT(credentials->Renew(kTimeout),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(credentials->renew_at() - clock_.Now(),
              AllOf(Ge(absl::Hours(1)), Le(absl::Minutes(90))));
  EXPECT_EQ(Kept(), before);
  EXPECT_THAT(credentials->Get(kTimeout), IsOk());
  EXPECT_EQ(certifier_.begun, 1);

  clock_.Advance(absl::Hours(10) - absl::Minutes(5));
  EXPECT_THAT(credentials->Renew(kTimeout), Not(IsOk()));
  EXPECT_THAT(credentials->renew_at() - clock_.Now(),
              AllOf(Ge(absl::Minutes(1)), Le(absl::Seconds(90))));
}

TEST_F(CredentialsTest, ACertificateThatEndedIsReplacedByEnrolment) {
  const auto credentials = Create();
  ASSERT_THAT(credentials->Get(kTimeout), IsOk());
  clock_.Advance(kLife);
  ASSERT_THAT(credentials->Renew(kTimeout), IsOk());
  EXPECT_EQ(certifier_.begun, 2);
  EXPECT_EQ(certifier_.renewed, 0);
  clock_.Advance(kLife);
  ASSERT_THAT(credentials->Get(kTimeout), IsOk());
  EXPECT_EQ(certifier_.begun, 3);
  clock_.Advance(kLife);
  ASSERT_THAT(Create()->Get(kTimeout), IsOk());
  EXPECT_EQ(certifier_.begun, 4);
}

TEST_F(CredentialsTest, AnothersChefKeyIsRefused) {
  Write("client.pem", ChefKey(1).private_pkcs1);
  const auto credentials = Create();
  EXPECT_THAT(credentials->Get(kTimeout),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr(Options().controller),
                             HasSubstr("none of the keys"))));
  EXPECT_EQ(Kept(), "");
  // Mended on the host, without a restart.
  Write("client.pem", ChefKey(0).private_pkcs1);
  EXPECT_THAT(credentials->Get(kTimeout), IsOk());
}

TEST_F(CredentialsTest, AHostThatIsNotInTheFleetIsRefused) {
  fleet_.erase("hv1");
  EXPECT_THAT(Create()->Get(kTimeout),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("not in the fleet")));
}

TEST_F(CredentialsTest, AControllerOfAnotherAuthorityIsNotTrusted) {
  Write("ca.pem", MakeSelfSignedCertificate().certificate_pem);
  EXPECT_THAT(Create()->Get(kTimeout), StatusIs(absl::StatusCode::kUnavailable,
                                                HasSubstr("--controller_ca")));
  EXPECT_EQ(certifier_.begun, 0);
}

TEST_F(CredentialsTest, TheControllersNameMustBeInItsCertificate) {
  auto options = Options();
  options.tls_server_name = "controller.example.com";
  EXPECT_THAT(
      Create(options)->Get(kTimeout),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("--controller_name")));
  EXPECT_EQ(certifier_.begun, 0);
  options.tls_server_name = "localhost";
  const auto credentials = Create(options);
  EXPECT_THAT(Speak(*credentials), IsOk());
}

TEST_F(CredentialsTest, WhatIsKeptAndNoGoodIsReplacedAndSaidSo) {
  ASSERT_THAT(Create()->Get(kTimeout), IsOk());
  const std::string kept = Kept();
  auto other = Options();
  other.node = "hv2";
  other.client_key_file = Path("other.pem");
  Write("other.pem", ChefKey(1).private_pkcs1);

  int begun = 1;
  const auto expect_enrolment = [&](const char* why,
                                    const ControllerCredentials::Options& by) {
    testing::internal::CaptureStderr();
    const auto credentials = Create(by);
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                AllOf(HasSubstr("enrols anew"), HasSubstr(why),
                      HasSubstr(KeptFile(Path("state")))));
    EXPECT_THAT(Speak(*credentials), IsOk());
    EXPECT_EQ(certifier_.begun, ++begun);
  };
  Write("state/controller-identity.pem", kept.substr(0, kept.size() / 2));
  expect_enrolment("no certificate in PEM", Options());
  Write("state/controller-identity.pem", "");
  expect_enrolment("no certificate in PEM", Options());
  chmod(KeptFile(Path("state")).c_str(), 0644);
  expect_enrolment("everybody can read it", Options());
  expect_enrolment("another node", other);
  EXPECT_THAT(spoken_for_, HasSubstr("URI:rehai:node:hv2"));
}

TEST_F(CredentialsTest, ACertificateThatCannotBeKeptIsUsedAllTheSame) {
  const auto credentials = Create();
  std::filesystem::remove_all(Path("state"));
  testing::internal::CaptureStderr();
  const absl::Status spoken = Speak(*credentials);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("certificate not kept"));
  EXPECT_THAT(spoken, IsOk());
  EXPECT_EQ(certifier_.begun, 1);
}

TEST_F(CredentialsTest, WhatIsNoCertificateIsNotTaken) {
  certifier_.issue_garbage = true;
  EXPECT_THAT(Create()->Get(kTimeout),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("it issued")));
  EXPECT_EQ(Kept(), "");
}

TEST_F(CredentialsTest, AHostWhoseClockIsAheadIsToldSo) {
  FakeClock ahead;
  ahead.JumpWall(clock_.Now() + absl::Hours(48) - ahead.Now());
  const auto credentials = ControllerCredentials::Create(Options(), ahead);
  ASSERT_THAT(credentials, IsOk());
  EXPECT_THAT((*credentials)->Get(kTimeout),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("clock")));
  EXPECT_EQ(Kept(), "");
}

TEST_F(CredentialsTest, AControllerThatCameBackIsFoundAgain) {
  const auto credentials = Create();
  const std::string address = Options().controller;
  server_->Shutdown();
  server_.reset();
  EXPECT_THAT(credentials->Get(kTimeout),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(address)));
  Start(address);
  EXPECT_THAT(credentials->Get(kTimeout), IsOk());
}

TEST_F(CredentialsTest, StaticFilesAreShownAndReadAgainWhenReplaced) {
  auto authority = CertificateAuthority::Create(authority_.certificate_pem,
                                                authority_.key_pem, clock_);
  ASSERT_THAT(authority, IsOk());
  const auto write_pair = [&](const std::string& node) {
    const TestRequest request = MakeTestRequest(node);
    const auto issued = (*authority)->Issue(request.der, {node}, kLife);
    ASSERT_THAT(issued, IsOk());
    Write("agent.pem", issued->chain_pem);
    Write("agent.key", request.key_pem);
  };
  write_pair("hv1");
  auto options = Options();
  options.certificate_file = Path("agent.pem");
  options.key_file = Path("agent.key");
  const auto credentials = Create(options);
  ASSERT_THAT(Speak(*credentials), IsOk());
  EXPECT_THAT(spoken_for_, HasSubstr("URI:rehai:node:hv1"));
  EXPECT_EQ(credentials->renew_at(), absl::InfiniteFuture());

  write_pair("hv2");
  ASSERT_THAT(Speak(*credentials), IsOk());
  EXPECT_THAT(spoken_for_, HasSubstr("URI:rehai:node:hv2"));
  EXPECT_EQ(certifier_.begun, 0);
  EXPECT_FALSE(std::filesystem::exists(Path("state")));
}

TEST_F(CredentialsTest, NoKeyIsEverLogged) {
  testing::internal::CaptureStderr();
  ASSERT_THAT(Create()->Get(kTimeout), IsOk());
  ASSERT_THAT(Create()->Renew(kTimeout), IsOk());
  const std::string logged = testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr("enrolled with the controller"));
  EXPECT_THAT(logged, HasSubstr("certificate renewed"));
  EXPECT_THAT(logged, Not(HasSubstr("PRIVATE")));
  EXPECT_THAT(logged, Not(HasSubstr(Kept().substr(30, 20))));
}

}  // namespace
}  // namespace rehai::agent
