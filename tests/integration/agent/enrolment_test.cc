// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// How agents come by their certificates, with the agent's and the controller's
// own programs and a real Chef server, and what those are good for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "chef/client_proof.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/source.pb.h"
#include "tests/fakes/certificates.h"
#include "tests/integration/agent_client.h"
#include "tests/integration/agent_site.h"
#include "tests/integration/eventually.h"
#include "tests/lab/authorities.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/lab.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Not;

// A refused agent comes back within a minute or so.
constexpr absl::Duration kComesBack = absl::Seconds(90);

absl::string_view View(const std::string& text) {
  return absl::string_view(text.data(), text.size());
}

class EnrolmentTest : public testing::Test {
 protected:
  void SetUp() override {
    auto lab = lab::Lab::Start({.test_hosts = 2, .ssh = false});
    ASSERT_THAT(lab, IsOk());
    lab_ = *std::move(lab);
    // As short-lived as they can be.
    auto site =
        AgentSite::Start(*lab_, {.by_uri = false,
                                 .by_agent = false,
                                 .by_file = true,
                                 .agents = "    certificate_lifetime: 10m\n"
                                           "  heartbeat_interval: 1s\n"});
    ASSERT_THAT(site, IsOk());
    site_ = *std::move(site);
  }

  FrontEnd& front_end() { return site_->front_end(); }
  v1::PushStatus Push() {
    const auto status = front_end().SourceStatus();
    return status.ok() ? status->push() : v1::PushStatus();
  }
  int64_t Refused(const std::string& why) {
    const v1::PushStatus push = Push();
    const auto found = push.refused_sessions().find(why);
    return found == push.refused_sessions().end() ? 0 : found->second;
  }
  std::string ControllerLog() {
    return ReadFile(site_->controller().log_file()).value_or("");
  }
  std::string Identity(int host) {
    return ReadFile(site_->agent(host)->identity_file()).value_or("");
  }

  void AwaitSessions(int host, int64_t sessions) {
    ASSERT_TRUE(Eventually(
        [&] {
          const v1::AgentState agent = front_end().AgentOf(site_->node(host));
          return agent.connected() ? agent.sessions() : 0;
        },
        Ge(sessions), kComesBack))
        << site_->agent(host)->Log();
  }

  // A proof by the Chef client key of `prover`, for `host` and that request.
  v1::FinishEnrolmentRequest Proof(AgentClient& client, int host, int prover,
                                   const TestRequest& request) {
    v1::FinishEnrolmentRequest proof;
    const auto begun = client.BeginEnrolment(site_->node(host));
    EXPECT_THAT(begun, IsOk());
    if (!begun.ok()) return proof;
    const std::string key =
        ReadFile(site_->client_key_file(prover)).value_or("");
    proof.set_node(site_->node(host));
    proof.set_challenge(begun->challenge());
    proof.set_certificate_request(request.der);
    const auto signature = chef::SignProof(
        View(key),
        View(chef::ProofText(View(proof.node()), View(proof.challenge()),
                             View(request.der))));
    EXPECT_THAT(signature, IsOk());
    proof.set_signature(signature.value_or(""));
    return proof;
  }

  std::unique_ptr<lab::Lab> lab_;
  std::unique_ptr<AgentSite> site_;
};

TEST_F(EnrolmentTest, AnAgentEnrolsOnceByItsChefClientKeyAndKeepsWhatItGot) {
  ASSERT_THAT(site_->StartAgent(0), IsOk());
  AwaitSessions(0, 1);
  EXPECT_EQ(Push().certificates_issued(), 1);
  EXPECT_TRUE(front_end().AgentOf(site_->node(0)).has_certificate_ends_at());
  const std::string kept = Identity(0);
  EXPECT_THAT(kept, AllOf(HasSubstr("PRIVATE KEY"), HasSubstr("CERTIF")));
  struct stat found = {};
  ASSERT_EQ(stat(site_->agent(0)->identity_file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);

  ASSERT_THAT(site_->agent(0)->Restart(), IsOk());
  AwaitSessions(0, 2);
  EXPECT_EQ(Push().certificates_issued(), 1);
  EXPECT_EQ(Identity(0), kept);
  EXPECT_THAT(ControllerLog(), Not(HasSubstr("PRIVATE KEY")));
  EXPECT_THAT(site_->agent(0)->Log(), Not(HasSubstr("PRIVATE KEY")));
}

// After two thirds of its life, which by this agent's clock are over.
TEST_F(EnrolmentTest, ACertificateIsRenewedByItselfBeforeItEnds) {
  ASSERT_THAT(site_->StartAgent(0), IsOk());
  AwaitSessions(0, 1);
  const std::string kept = Identity(0);
  lab::AgentProcess& agent = *site_->agent(0);
  ASSERT_THAT(agent.SetClockAhead(absl::Minutes(8)), IsOk());

  ASSERT_THAT(agent.Restart(), IsOk());

  EXPECT_TRUE(Eventually([&] { return agent.Log(); },
                         HasSubstr("certificate renewed")));
  EXPECT_THAT(Identity(0), AllOf(Not(kept), HasSubstr("PRIVATE KEY")));
  EXPECT_GE(Push().certificates_issued(), 2);
  // It goes on with the new one.
  AwaitSessions(0, 2);
}

TEST_F(EnrolmentTest, AHostThatIsTakenOutOfTheFleetIsShutOutAtOnce) {
  for (int i : {0, 1}) ASSERT_THAT(site_->StartAgent(i), IsOk());
  for (int i : {0, 1}) AwaitSessions(i, 1);

  std::vector<lab::WatchedHost> hosts = site_->Hosts();
  hosts.erase(hosts.begin());
  ASSERT_THAT(lab::WriteFleetFile(site_->hosts_file(), hosts), IsOk());

  EXPECT_TRUE(
      Eventually([&] { return Push().ended_sessions().count("departed"); }, 1));
  EXPECT_FALSE(front_end().AgentOf(site_->node(0)).connected());
  // It is not let in again, and gets no certificate.
  ASSERT_THAT(site_->agent(0)->Restart(), IsOk());
  EXPECT_TRUE(
      Eventually([&] { return Refused("unknown_host"); }, Ge(1), kComesBack));
  AgentClient stranger(*site_);
  EXPECT_THAT(stranger.BeginEnrolment(site_->node(0)),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(site_->node(0))));
  // The other's session goes on.
  const v1::AgentState other = front_end().AgentOf(site_->node(1));
  EXPECT_TRUE(other.connected());
  EXPECT_EQ(other.sessions(), 1);
}

TEST_F(EnrolmentTest, AnotherHostsChefClientKeyGetsNoCertificate) {
  lab::AgentProcess::Options options = site_->AgentOptions(0);
  options.client_key_file = site_->client_key_file(1);
  const auto agent = lab::AgentProcess::Start(site_->chef(), options);
  ASSERT_THAT(agent, IsOk());
  EXPECT_TRUE(Eventually([&] { return Push().enrolments_refused(); }, Ge(1)));
  EXPECT_TRUE(Eventually([&] { return (*agent)->Log(); },
                         HasSubstr("none of the keys")));
  EXPECT_EQ(Push().certificates_issued(), 0);
  EXPECT_EQ(Push().opened_sessions(), 0);
  EXPECT_THAT(ControllerLog(), HasSubstr(site_->node(0)));
}

TEST_F(EnrolmentTest, AProofIsGoodOnceAndForItsHostOnly) {
  AgentClient client(*site_);
  const TestRequest request = MakeTestRequest("any");
  v1::FinishEnrolmentRequest proof = Proof(client, 0, 0, request);
  EXPECT_THAT(client.FinishEnrolment(proof), IsOk());
  EXPECT_THAT(client.FinishEnrolment(proof),
              StatusIs(absl::StatusCode::kPermissionDenied));
  // Overheard, and said of another host.
  proof = Proof(client, 0, 0, request);
  proof.set_node(site_->node(1));
  EXPECT_THAT(client.FinishEnrolment(proof),
              StatusIs(absl::StatusCode::kPermissionDenied));
  // Another's key.
  EXPECT_THAT(client.FinishEnrolment(Proof(client, 0, 1, request)),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(Push().certificates_issued(), 1);
  EXPECT_EQ(Push().enrolments_refused(), 3);
}

TEST_F(EnrolmentTest, ACertificateOfTheSitesOwnSpeaksForItsHostOnly) {
  const auto files = site_->authorities().CertificateIn(
      "hv1", absl::StrCat("URI:rehai:node:", site_->node(0)));
  ASSERT_THAT(files, IsOk());
  lab::AgentProcess::Options options = site_->AgentOptions(0);
  options.certificate_file = files->certificate_file;
  options.certificate_key_file = files->key_file;
  auto agent = lab::AgentProcess::Start(site_->chef(), options);
  ASSERT_THAT(agent, IsOk());
  EXPECT_TRUE(Eventually(
      [&] { return front_end().AgentOf(site_->node(0)).connected(); }, true));
  EXPECT_EQ(Push().certificates_issued(), 0);

  // Stolen, and used beside another host.
  options.node = site_->node(1);
  options.uri = lab_->host(1).local_uri();
  auto thief = lab::AgentProcess::Start(site_->chef(), options);
  ASSERT_THAT(thief, IsOk());
  EXPECT_TRUE(Eventually([&] { return Refused("identity"); }, Ge(1)));
  EXPECT_FALSE(front_end().AgentOf(site_->node(1)).connected());
  EXPECT_THAT(ControllerLog(),
              AllOf(HasSubstr(site_->node(1)), HasSubstr("certificate")));
  EXPECT_THAT(site_->MetricsPage(),
              AllOf(HasSubstr("rehai_agent_refused_sessions_total{reason="
                              "\"identity\"} "),
                    HasSubstr("rehai_agent_sessions 1\n"),
                    HasSubstr("rehai_agent_certificates_issued_total 0\n")));
  EXPECT_TRUE(front_end().AgentOf(site_->node(0)).connected());
}

TEST_F(EnrolmentTest, ACertificateOfAnotherAuthorityIsNotLetIn) {
  const std::string names = absl::StrCat("URI:rehai:node:", site_->node(0));
  AgentClient right(*site_, site_->authorities().Certificate(names));
  EXPECT_THAT(right.Greet(site_->node(0)), IsOk());

  const auto elsewhere = lab::Authorities::Create();
  ASSERT_THAT(elsewhere, IsOk());
  AgentClient wrong(*site_, (*elsewhere)->Certificate(names));
  EXPECT_THAT(wrong.Greet(site_->node(0)),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(Push().opened_sessions(), 1);

  // Nor is nobody.
  AgentClient nobody(*site_);
  EXPECT_THAT(nobody.Greet(site_->node(0)),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(Push().opened_sessions(), 1);
}

}  // namespace
}  // namespace rehai::integration
