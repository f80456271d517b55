// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_server.h"

#include <deque>
#include <functional>

#include "controller/api/agent_server_fixture.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

v1::SessionRequest Hello(const std::string& node) {
  v1::SessionRequest message;
  message.mutable_hello()->set_node(node);
  return message;
}

v1::SessionResponse Ack(int64_t sequence) {
  v1::SessionResponse message;
  message.mutable_ack()->set_sequence(sequence);
  return message;
}

// What is in the place of AgentSessions: remembers who came and what was said.
class Sessions {
 public:
  OpenAgentSession Opener() {
    return [this](AgentPeer peer, std::shared_ptr<AgentStream> stream) {
      MutexLock lock(mu_);
      peers_.push_back(std::move(peer));
      streams_.push_back(std::move(stream));
      changed_.NotifyAll();
      return std::make_unique<Session>(*this);
    };
  }

  // The newest session's.
  AgentPeer AwaitPeer() {
    MutexLock lock(mu_);
    Await([this]()
              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !peers_.empty(); });
    return peers_.back();
  }
  std::shared_ptr<AgentStream> AwaitStream() {
    AwaitPeer();
    MutexLock lock(mu_);
    return streams_.back();
  }
  v1::SessionRequest AwaitMessage() {
    MutexLock lock(mu_);
    Await([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return !messages_.empty();
    });
    if (messages_.empty()) return {};
    v1::SessionRequest message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  // So many sessions have ended.
  void AwaitEnds(int count) {
    MutexLock lock(mu_);
    Await([this, count]()
              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return ends_ >= count; });
    EXPECT_EQ(ends_, count);
  }
  bool empty() {
    MutexLock lock(mu_);
    return peers_.empty();
  }

 private:
  class Session final : public AgentSessions::Session {
   public:
    explicit Session(Sessions& all) : all_(all) {}
    ~Session() override {
      MutexLock lock(all_.mu_);
      ++all_.ends_;
      all_.changed_.NotifyAll();
    }
    void Received(v1::SessionRequest message) override {
      MutexLock lock(all_.mu_);
      all_.messages_.push_back(std::move(message));
      all_.changed_.NotifyAll();
    }

   private:
    Sessions& all_;
  };

  void Await(const std::function<bool()>& condition)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + kAgentPatience;
    while (!condition() && clock.Uptime() < deadline) {
      clock.WaitUntil(deadline, mu_, changed_);
    }
    EXPECT_TRUE(condition());
  }

  Mutex mu_;
  CondVar changed_;
  std::vector<AgentPeer> peers_ ABSL_GUARDED_BY(mu_);
  std::vector<std::shared_ptr<AgentStream>> streams_ ABSL_GUARDED_BY(mu_);
  std::deque<v1::SessionRequest> messages_ ABSL_GUARDED_BY(mu_);
  int ends_ ABSL_GUARDED_BY(mu_) = 0;
};

class AgentServerTest : public AgentTlsTest {
 protected:
  static AgentServer::Options InClear() {
    AgentServer::Options options;
    options.listen = "127.0.0.1:0";
    return options;
  }

  absl::StatusOr<std::unique_ptr<AgentServer>> Create(
      AgentServer::Options options) {
    return AgentServer::Create(std::move(options), sessions_.Opener(), nullptr,
                               clock_);
  }
  std::unique_ptr<AgentServer> Serve(AgentServer::Options options) {
    auto server = Create(std::move(options));
    EXPECT_THAT(server, IsOk());
    EXPECT_THAT((*server)->Start(), IsOk());
    return *std::move(server);
  }

  Sessions sessions_;
};

TEST_F(AgentServerTest, ASessionKnowsWhoItsCertificateSpeaksFor) {
  const auto server = Serve(OverTls());
  TestAgent agent(Connect(
      *server,
      Certificate("URI:rehai:node:hv1,URI:urn:uuid:ABCD-1,DNS:hv1.example")));
  agent.Open();
  const AgentPeer peer = sessions_.AwaitPeer();
  ASSERT_TRUE(peer.names.has_value());
  EXPECT_THAT(peer.names->nodes, ElementsAre("hv1", "hv1.example"));
  EXPECT_THAT(peer.names->host_uuids, ElementsAre("abcd-1"));
  EXPECT_THAT(peer.address, StartsWith("ipv4:127.0.0.1:"));
  EXPECT_EQ(absl::ToUnixSeconds(peer.certificate_ends_at),
            absl::ToUnixSeconds(clock_.Now() + absl::Hours(24)));
  EXPECT_THAT(agent.End(), IsOk());
  sessions_.AwaitEnds(1);
}

TEST_F(AgentServerTest, MessagesComeAndGoInTheirOrder) {
  const auto server = Serve(OverTls());
  TestAgent agent(Connect(*server, Certificate("URI:rehai:node:hv1")));
  agent.Open();
  for (const char* node : {"a", "b", "c"}) agent.Say(Hello(node));
  for (const char* node : {"a", "b", "c"}) {
    EXPECT_EQ(sessions_.AwaitMessage().hello().node(), node);
  }
  const auto stream = sessions_.AwaitStream();
  for (int i = 1; i <= 3; ++i) stream->Send(Ack(i));
  stream->Finish(absl::AbortedError("enough"));
  stream->Send(Ack(4));
  stream->Finish(absl::InternalError("the first end counts"));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(agent.Hear()->ack().sequence(), i);
  EXPECT_FALSE(agent.Hear().has_value());
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kAborted, "enough"));
  sessions_.AwaitEnds(1);
  // Nobody is there any more, and nothing happens.
  stream->Send(Ack(5));
  stream->Finish(absl::OkStatus());
}

TEST_F(AgentServerTest, WithoutCertificateThereIsNoSession) {
  const auto server = Serve(OverTls());
  TestAgent agent(Connect(*server));
  agent.Open();
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kUnauthenticated,
                                         HasSubstr("enrol it")));
  EXPECT_TRUE(sessions_.empty());
}

TEST_F(AgentServerTest, ACertificateOfAStrangerIsRefusedByTheHandshake) {
  const auto server = Serve(OverTls());
  const TestAuthority stranger = MakeTestAuthority(clock_.Now());
  TestAgent agent(Connect(
      *server,
      MakeTestCertificate(stranger, "URI:rehai:node:hv1", clock_.Now())));
  agent.Open();
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(sessions_.empty());
}

TEST_F(AgentServerTest, ACertificateThatHasEndedIsRefused) {
  const auto server = Serve(OverTls());
  TestAgent agent(
      Connect(*server, MakeTestCertificate(authority_, "URI:rehai:node:hv1",
                                           clock_.Now(), -absl::Minutes(1))));
  agent.Open();
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(sessions_.empty());
}

TEST_F(AgentServerTest, ACertificateEndsOnAConnectionThatLivesOn) {
  const auto server = Serve(OverTls());
  TestAgent agent(Connect(*server, Certificate("URI:rehai:node:hv1")));
  agent.Open();
  EXPECT_THAT(agent.End(), IsOk());
  clock_.Advance(absl::Hours(25));
  agent.Open();
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kUnauthenticated,
                                         HasSubstr("ended at")));
}

TEST_F(AgentServerTest, CertificatesAreReplacedAndSessionsStay) {
  AgentServer::Options options = OverTls();
  const auto server = Serve(options);
  TestAgent early(Connect(*server, Certificate("URI:rehai:node:hv1")));
  early.Open();
  sessions_.AwaitPeer();

  // Other agents are believed from here on; the server's own stays.
  const TestAuthority other = MakeTestAuthority(clock_.Now());
  options.tls.client_ca = Write("other-ca.pem", other.certificate_pem);
  const auto take = server->PrepareReload(options.tls);
  ASSERT_THAT(take, IsOk());
  (*take)();

  TestAgent refused(Connect(*server, Certificate("URI:rehai:node:hv2")));
  refused.Open();
  EXPECT_THAT(refused.AwaitEnd(), StatusIs(absl::StatusCode::kUnavailable));
  TestAgent taken(Connect(
      *server, MakeTestCertificate(other, "URI:rehai:node:hv3", clock_.Now())));
  taken.Open();
  taken.Say(Hello("hv3"));
  EXPECT_EQ(sessions_.AwaitMessage().hello().node(), "hv3");
  EXPECT_THAT(sessions_.AwaitPeer().names->nodes, ElementsAre("hv3"));
  early.Say(Hello("hv1"));
  EXPECT_EQ(sessions_.AwaitMessage().hello().node(), "hv1");
  EXPECT_THAT(early.End(), IsOk());
  EXPECT_THAT(taken.End(), IsOk());
  sessions_.AwaitEnds(2);
}

TEST_F(AgentServerTest, ClearTextIsNotTakenForTls) {
  const auto server = Serve(OverTls());
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(AgentServerTest, InClearAgentsAreBelieved) {
  const auto server = Serve(InClear());
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  const AgentPeer peer = sessions_.AwaitPeer();
  EXPECT_FALSE(peer.names.has_value());
  EXPECT_EQ(peer.certificate_ends_at, absl::InfiniteFuture());
  EXPECT_THAT(agent.End(), IsOk());
}

TEST_F(AgentServerTest, ClearTextForEveryoneMustBeAskedFor) {
  AgentServer::Options options = InClear();
  options.listen = "0.0.0.0:0";
  EXPECT_THAT(Create(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("agents.allow_plaintext_from_anywhere")));
  options.allow_plaintext_from_anywhere = true;
  EXPECT_THAT(Create(options), IsOk());
}

TEST_F(AgentServerTest, SomeAuthorityMustVouchForAgents) {
  AgentServer::Options options = OverTls();
  options.tls.client_ca.clear();
  EXPECT_THAT(Create(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("agents.tls.client_ca_file")));
  options.enrolment_ca_pem = authority_.certificate_pem;
  const auto server = Serve(options);
  TestAgent agent(Connect(*server, Certificate("URI:rehai:node:hv1")));
  agent.Open();
  EXPECT_THAT(agent.End(), IsOk());
}

TEST_F(AgentServerTest, APortThatIsTakenIsRefused) {
  const auto first = Serve(InClear());
  AgentServer::Options options = InClear();
  options.listen = absl::StrCat("127.0.0.1:", first->port());
  const auto second = Create(options);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT((*second)->Start(), StatusIs(absl::StatusCode::kUnavailable,
                                           HasSubstr(options.listen)));
}

TEST_F(AgentServerTest, AMessageBeyondTheBoundEndsItsSession) {
  const auto server = Serve(InClear());
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  v1::SessionRequest large = Hello(std::string(15 << 20, 'x'));
  agent.Say(large);
  EXPECT_EQ(sessions_.AwaitMessage().hello().node().size(), 15 << 20);
  large.mutable_hello()->mutable_hostname()->assign(2 << 20, 'x');
  agent.Say(large);
  EXPECT_THAT(agent.AwaitEnd(), StatusIs(absl::StatusCode::kResourceExhausted));
  sessions_.AwaitEnds(1);
}

TEST_F(AgentServerTest, AnAgentThatDoesNotReadIsGivenUp) {
  AgentServer::Options options = InClear();
  options.service.session.end_patience = absl::Milliseconds(10);
  const auto server = Serve(options);
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  const auto stream = sessions_.AwaitStream();
  // More than the connection's buffers hold by far.
  v1::SessionResponse large;
  large.mutable_need_full()->set_reason(std::string(1 << 20, 'x'));
  for (size_t i = 0; i < 2 * AgentSessionCall::kMostWaiting; ++i) {
    stream->Send(large);
  }
  sessions_.AwaitEnds(1);
  EXPECT_FALSE(agent.AwaitEnd().ok());
}

TEST_F(AgentServerTest, AnEndThatIsNotTakenInTimeIsNotWaitedFor) {
  AgentServer::Options options = InClear();
  options.service.session.end_patience = absl::Milliseconds(10);
  const auto server = Serve(options);
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  const auto stream = sessions_.AwaitStream();
  v1::SessionResponse large;
  large.mutable_need_full()->set_reason(std::string(8 << 20, 'x'));
  for (int i = 0; i < 3; ++i) stream->Send(large);
  stream->Finish(absl::UnavailableError("stopping"));
  sessions_.AwaitEnds(1);
}

TEST_F(AgentServerTest, ASessionThatBreaksIsOver) {
  const auto server = Serve(InClear());
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  sessions_.AwaitPeer();
  agent.Break();
  sessions_.AwaitEnds(1);
}

TEST_F(AgentServerTest, StopDoesNotWaitForWhoDoesNotGo) {
  const auto server = Serve(InClear());
  TestAgent agent(ConnectInClear(*server));
  agent.Open();
  sessions_.AwaitPeer();
  server->Stop(absl::ZeroDuration());
  sessions_.AwaitEnds(1);
  EXPECT_FALSE(agent.AwaitEnd().ok());
}

TEST_F(AgentServerTest, InClearNobodyIsEnrolled) {
  const auto server = Serve(InClear());
  TestAgent agent(ConnectInClear(*server));
  const auto refused =
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("agents.tls"));
  using Stub = v1::AgentService::Stub;
  EXPECT_THAT(agent.Call(&Stub::BeginEnrolment, v1::BeginEnrolmentRequest()),
              refused);
  EXPECT_THAT(agent.Call(&Stub::FinishEnrolment, v1::FinishEnrolmentRequest()),
              refused);
  EXPECT_THAT(
      agent.Call(&Stub::RenewCertificate, v1::RenewCertificateRequest()),
      refused);
  EXPECT_EQ(server->certificates().refused, 3);
}

}  // namespace
}  // namespace rehai
