// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Agents' certificates as agents get them: from the port, over TLS.

#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "chef/client_proof.h"
#include "controller/api/agent_server.h"
#include "controller/api/agent_server_fixture.h"
#include "controller/enrolment/certificate_authority.h"
#include "controller/enrolment/enrolment.h"
#include "tests/fakes/rsa_key_pair.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Stub = v1::AgentService::Stub;

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

// Chef's keys of two clients: hv1's, which the tests have, and hv2's.
const RsaKeyPair& Key(const std::string& client) {
  static const auto* const keys = new std::map<std::string, RsaKeyPair>{
      {"hv1", MakeRsaKeyPair()}, {"hv2", MakeRsaKeyPair()}};
  return keys->at(client);
}

class AgentEnrolmentTest : public AgentTlsTest {
 protected:
  void Serve(AgentService::Options options = {}) {
    AgentServer::Options server = OverTls();
    server.enrolment_ca_pem = enrolment_authority_.certificate_pem;
    server.service = options;
    auto created = AgentServer::Create(
        std::move(server),
        [this](AgentPeer peer, std::shared_ptr<AgentStream> stream) {
          stream->Finish(absl::OkStatus());
          MutexLock lock(mu_);
          peers_.push_back(std::move(peer));
          return std::make_unique<Deaf>();
        },
        &enrolment_, clock_);
    ASSERT_THAT(created, IsOk());
    ASSERT_THAT((*created)->Start(), IsOk());
    agent_server_ = *std::move(created);
  }

  // Chef answers no more.
  void HoldKeys() {
    MutexLock lock(mu_);
    holding_ = true;
  }
  void AwaitHeldKeys(size_t count) {
    MutexLock lock(mu_);
    const absl::Duration deadline = Clock::Real().Uptime() + kAgentPatience;
    while (held_.size() < count && Clock::Real().Uptime() < deadline) {
      Clock::Real().WaitUntil(deadline, mu_, changed_);
    }
    ASSERT_EQ(held_.size(), count);
  }
  void ReleaseKeys() {
    std::vector<std::pair<std::string, Enrolment::KeysDone>> held;
    {
      MutexLock lock(mu_);
      holding_ = false;
      held = std::exchange(held_, {});
    }
    for (auto& [client, done] : held) {
      done(std::vector<std::string>{Key(client).public_pem});
    }
  }

  // What an agent says in the second step, after the first one.
  v1::FinishEnrolmentRequest Proof(TestAgent& agent, const std::string& node,
                                   const std::string& key,
                                   const TestRequest& request) {
    v1::BeginEnrolmentRequest begin;
    begin.set_node(node);
    const auto begun = agent.Call(&Stub::BeginEnrolment, begin);
    EXPECT_THAT(begun, IsOk());
    v1::FinishEnrolmentRequest finish;
    finish.set_node(node);
    finish.set_challenge(begun->challenge());
    finish.set_certificate_request(request.der);
    finish.set_signature(*chef::SignProof(
        View(Key(key).private_pkcs1),
        View(chef::ProofText(View(node), View(finish.challenge()),
                             View(request.der)))));
    return finish;
  }

  std::vector<AgentPeer> peers() {
    MutexLock lock(mu_);
    return peers_;
  }

  const TestAuthority enrolment_authority_ =
      MakeTestAuthority(Clock::Real().Now());
  std::unique_ptr<AgentServer> agent_server_;

 private:
  struct Deaf final : AgentSessions::Session {
    void Received(v1::SessionRequest) override {}
  };

  void AskKeys(const std::string& client, Enrolment::KeysDone done) {
    {
      MutexLock lock(mu_);
      if (holding_) {
        held_.emplace_back(client, std::move(done));
        changed_.NotifyAll();
        return;
      }
    }
    done(std::vector<std::string>{Key(client).public_pem});
  }

  Mutex mu_;
  CondVar changed_;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::pair<std::string, Enrolment::KeysDone>> held_
      ABSL_GUARDED_BY(mu_);
  std::vector<AgentPeer> peers_ ABSL_GUARDED_BY(mu_);

 protected:
  Enrolment enrolment_{
      {.certificate_lifetime = absl::Hours(2)},
      *CertificateAuthority::Create(View(enrolment_authority_.certificate_pem),
                                    View(enrolment_authority_.key_pem), clock_),
      {.is_in_fleet =
           [](const HostId& host) {
             return host.node == "hv1" || host.node == "hv2";
           },
       .keys =
           [this](const std::string& client, Enrolment::KeysDone done) {
             AskKeys(client, std::move(done));
           }},
      clock_};
};

TEST_F(AgentEnrolmentTest, AnEnrolledAgentHasSessionsAndRenewsItsCertificate) {
  Serve();
  TestAgent stranger(Connect(*agent_server_));
  const TestRequest request = MakeTestRequest("hv1");
  const auto enrolled = stranger.Call(&Stub::FinishEnrolment,
                                      Proof(stranger, "hv1", "hv1", request));
  ASSERT_THAT(enrolled, IsOk());

  TestAgent agent(Connect(*agent_server_,
                          {enrolled->certificate_chain(), request.key_pem}));
  agent.Open();
  EXPECT_THAT(agent.AwaitEnd(), IsOk());
  const TestRequest second = MakeTestRequest("hv1");
  v1::RenewCertificateRequest renewal;
  renewal.set_certificate_request(second.der);
  const auto renewed = agent.Call(&Stub::RenewCertificate, renewal);
  ASSERT_THAT(renewed, IsOk());
  EXPECT_THAT(agent_server_->certificates().issued, 2);
  EXPECT_THAT(agent_server_->certificates().refused, 0);

  TestAgent again(
      Connect(*agent_server_, {renewed->certificate_chain(), second.key_pem}));
  again.Open();
  EXPECT_THAT(again.AwaitEnd(), IsOk());
  ASSERT_EQ(peers().size(), 2u);
  for (const AgentPeer& peer : peers()) {
    EXPECT_THAT(peer.names->nodes, ElementsAre("hv1"));
  }
}

TEST_F(AgentEnrolmentTest, AProofIsGoodOnce) {
  Serve();
  TestAgent agent(Connect(*agent_server_));
  const v1::FinishEnrolmentRequest proof =
      Proof(agent, "hv1", "hv1", MakeTestRequest("hv1"));
  EXPECT_THAT(agent.Call(&Stub::FinishEnrolment, proof), IsOk());
  EXPECT_THAT(agent.Call(&Stub::FinishEnrolment, proof),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(agent_server_->certificates().issued, 1);
  EXPECT_EQ(agent_server_->certificates().refused, 1);
}

TEST_F(AgentEnrolmentTest, AnotherClientsKeyProvesNothing) {
  Serve();
  TestAgent agent(Connect(*agent_server_));
  EXPECT_THAT(agent.Call(&Stub::FinishEnrolment,
                         Proof(agent, "hv1", "hv2", MakeTestRequest("hv1"))),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(AgentEnrolmentTest, AHostThatIsNotInTheFleetIsTurnedAwayAtOnce) {
  Serve();
  TestAgent agent(Connect(*agent_server_));
  v1::BeginEnrolmentRequest begin;
  begin.set_node("hv9");
  EXPECT_THAT(agent.Call(&Stub::BeginEnrolment, begin),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9")));
  EXPECT_EQ(agent_server_->certificates().refused, 1);
}

TEST_F(AgentEnrolmentTest, ARequestWithoutBoundsIsRefused) {
  Serve();
  TestAgent agent(Connect(*agent_server_));
  v1::FinishEnrolmentRequest large;
  large.set_node("hv1");
  large.set_certificate_request(std::string(1 << 20, 'x'));
  EXPECT_THAT(agent.Call(&Stub::FinishEnrolment, large),
              StatusIs(absl::StatusCode::kInvalidArgument));
  v1::FinishEnrolmentRequest path;
  path.set_node("../users/admin");
  EXPECT_THAT(agent.Call(&Stub::FinishEnrolment, path),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(AgentEnrolmentTest, OnlyAHostsOwnCertificateRenewsIt) {
  Serve();
  v1::RenewCertificateRequest renewal;
  renewal.set_certificate_request(MakeTestRequest("hv1").der);
  TestAgent none(Connect(*agent_server_));
  EXPECT_THAT(
      none.Call(&Stub::RenewCertificate, renewal),
      StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("enrol it")));
  // Of these the new one would say more, or nothing that is known.
  for (const char* names :
       {"URI:rehai:node:hv1,URI:rehai:node:hv2", "URI:urn:uuid:abcd",
        "URI:rehai:node:hv1,URI:urn:uuid:abcd", "URI:http://hv1"}) {
    TestAgent agent(Connect(*agent_server_, Certificate(names)));
    EXPECT_THAT(agent.Call(&Stub::RenewCertificate, renewal),
                StatusIs(absl::StatusCode::kPermissionDenied))
        << names;
  }
  TestAgent departed(Connect(*agent_server_, Certificate("DNS:hv9")));
  EXPECT_THAT(departed.Call(&Stub::RenewCertificate, renewal),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(agent_server_->certificates().issued, 0);
}

TEST_F(AgentEnrolmentTest, ChefThatDoesNotAnswerKeepsNobodyWaiting) {
  Serve({.enrolment_timeout = absl::Milliseconds(10)});
  HoldKeys();
  TestAgent agent(Connect(*agent_server_));
  EXPECT_THAT(
      agent.Call(&Stub::FinishEnrolment,
                 Proof(agent, "hv1", "hv1", MakeTestRequest("hv1"))),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("begin again")));
  ReleaseKeys();
}

TEST_F(AgentEnrolmentTest, NoMoreThanABoundedNumberWaitForChef) {
  Serve({.most_enrolments = 1});
  HoldKeys();
  TestAgent first(Connect(*agent_server_));
  const v1::FinishEnrolmentRequest proof =
      Proof(first, "hv1", "hv1", MakeTestRequest("hv1"));
  std::thread waiting(
      [&] { EXPECT_THAT(first.Call(&Stub::FinishEnrolment, proof), IsOk()); });
  AwaitHeldKeys(1);
  TestAgent second(Connect(*agent_server_));
  EXPECT_THAT(
      second.Call(&Stub::FinishEnrolment,
                  Proof(second, "hv2", "hv2", MakeTestRequest("hv2"))),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("begin again")));
  ReleaseKeys();
  waiting.join();
  // The place is free again.
  EXPECT_THAT(second.Call(&Stub::FinishEnrolment,
                          Proof(second, "hv2", "hv2", MakeTestRequest("hv2"))),
              IsOk());
}

TEST_F(AgentEnrolmentTest, AnAnswerMayComeAfterTheServerHasGone) {
  Serve();
  HoldKeys();
  TestAgent agent(Connect(*agent_server_));
  const v1::FinishEnrolmentRequest proof =
      Proof(agent, "hv1", "hv1", MakeTestRequest("hv1"));
  std::thread waiting(
      [&] { EXPECT_FALSE(agent.Call(&Stub::FinishEnrolment, proof).ok()); });
  AwaitHeldKeys(1);
  agent_server_.reset();
  waiting.join();
  ReleaseKeys();
}

}  // namespace
}  // namespace rehai
