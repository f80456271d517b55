// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Agents' sessions as agents have them: over TLS, with AgentSessions at the
// other end.

#include <string>
#include <utility>

#include "controller/api/agent_server.h"
#include "controller/api/agent_server_fixture.h"
#include "controller/inventory/inventory.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/agent_sessions_fixture.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class AgentServerSessionsTest : public AgentTlsTest {
 protected:
  AgentServerSessionsTest() {
    inventory_.AddHost({"hv1"}, {});
    inventory_.AddHost({"hv2"}, {});
    sessions_.Start();
    auto created = AgentServer::Create(
        OverTls(),
        [this](AgentPeer peer, std::shared_ptr<AgentStream> stream) {
          return sessions_.Open(std::move(peer), std::move(stream));
        },
        nullptr, clock_);
    EXPECT_THAT(created, IsOk());
    EXPECT_THAT((*created)->Start(), IsOk());
    agent_server_ = *std::move(created);
  }
  // As the controller does.
  ~AgentServerSessionsTest() override {
    sessions_.Stop();
    agent_server_->Stop(kAgentPatience);
  }

  std::unique_ptr<TestAgent> Agent(const std::string& names) const {
    return std::make_unique<TestAgent>(
        Connect(*agent_server_, Certificate(names)));
  }
  // Opens a session and returns its epoch.
  static int64_t Greet(TestAgent& agent, const std::string& node) {
    agent.Open();
    agent.Say(HelloOf({node}));
    const auto welcome = agent.Hear();
    EXPECT_TRUE(welcome.has_value());
    if (!welcome.has_value()) return 0;
    EXPECT_TRUE(welcome->has_welcome());
    return welcome->welcome().epoch();
  }

  Inventory inventory_{clock_};
  FakeAgentHosts hosts_{inventory_};
  AgentSessions sessions_{{}, hosts_, [](auto&, auto) {}, clock_};
  std::unique_ptr<AgentServer> agent_server_;
};

TEST_F(AgentServerSessionsTest, AReportIsMergedAndAcknowledged) {
  const auto agent = Agent("URI:rehai:node:hv1");
  const int64_t epoch = Greet(*agent, "hv1");
  agent->Say(ReportOf(epoch, 1, /*full=*/true, {1, 2}));
  const auto ack = agent->Hear();
  ASSERT_TRUE(ack.has_value());
  EXPECT_EQ(ack->ack().sequence(), 1);
  EXPECT_THAT(inventory_.Find({"hv1"})->guests(), SizeIs(2));
  const auto agents = sessions_.Agents();
  ASSERT_THAT(agents, SizeIs(1));
  EXPECT_TRUE(agents[0].has_certificate_ends_at());
  EXPECT_THAT(agents[0].address(), HasSubstr("127.0.0.1"));
}

TEST_F(AgentServerSessionsTest, ACertificateOfAnotherHostIsRefused) {
  const auto agent = Agent("URI:rehai:node:hv2");
  agent->Open();
  agent->Say(HelloOf({"hv1"}));
  EXPECT_THAT(agent->AwaitEnd(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("hv2")));
}

TEST_F(AgentServerSessionsTest, AMessageOutOfTurnEndsTheSession) {
  const auto agent = Agent("URI:rehai:node:hv1");
  agent->Open();
  agent->Say(ReportOf(1, 1, true, {1}));
  EXPECT_THAT(agent->AwaitEnd(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(AgentServerSessionsTest, TheNewerSessionOfAHostEndsTheOlder) {
  const auto older = Agent("URI:rehai:node:hv1");
  const int64_t first = Greet(*older, "hv1");
  const auto newer = Agent("URI:rehai:node:hv1");
  EXPECT_GT(Greet(*newer, "hv1"), first);
  EXPECT_FALSE(older->AwaitEnd().ok());
}

TEST_F(AgentServerSessionsTest, AnAgentThatGoesIsGone) {
  const auto agent = Agent("URI:rehai:node:hv1");
  Greet(*agent, "hv1");
  EXPECT_THAT(agent->End(), IsOk());
  agent_server_->Stop(kAgentPatience);
  EXPECT_EQ(sessions_.Status().sessions(), 0);
  EXPECT_EQ(sessions_.Status().ended_sessions().at("closed"), 1);
}

TEST_F(AgentServerSessionsTest, AtTheStopAgentsAreToldWhenToComeBack) {
  const auto agent = Agent("URI:rehai:node:hv1");
  Greet(*agent, "hv1");
  sessions_.Stop();
  const auto last = agent->Hear();
  ASSERT_TRUE(last.has_value());
  EXPECT_TRUE(last->go_away().has_reconnect_after());
  EXPECT_THAT(agent->AwaitEnd(), StatusIs(absl::StatusCode::kUnavailable));
  agent_server_->Stop(kAgentPatience);

  // And who comes then finds nobody.
  const auto late = Agent("URI:rehai:node:hv2");
  late->Open();
  EXPECT_FALSE(late->AwaitEnd().ok());
}

}  // namespace
}  // namespace rehai
