// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/source_service.h"

#include <string>

#include "absl/status/status.h"
#include "controller/api/server_fixture.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Stub = v1::Source::Stub;

v1::Connection MakeConnection(const std::string& node,
                              v1::ConnectionState state) {
  v1::Connection connection;
  connection.set_node(node);
  connection.set_state(state);
  return connection;
}

class SourceServiceTest : public testing::Test {
 protected:
  SourceServiceTest() {
    controller_.Observe("hv1", {}, {{"rack", "a"}});
    controller_.Observe("hv2", {}, {{"rack", "a"}});
    controller_.Observe("hv3", {}, {{"rack", "b"}});
    controller_.source().SetConnections(
        {MakeConnection("hv1", v1::CONNECTION_STATE_UP),
         MakeConnection("hv2", v1::CONNECTION_STATE_QUARANTINED),
         MakeConnection("hv3", v1::CONNECTION_STATE_WAITING)});
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(
      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                   Response*),
      const Request& request) {
    return Client::Call(*client_.source, method, request);
  }

  TestController controller_;
  const Client client_{controller_};
};

TEST_F(SourceServiceTest, TellsHowTheSourcesAre) {
  v1::SourceStatus status;
  status.mutable_pull()->set_dials(7);
  status.mutable_discovery()->add_held("hv9");
  controller_.source().SetStatus(status);
  const auto got = Call(&Stub::Status, v1::SourceStatusRequest());
  ASSERT_THAT(got, IsOk());
  EXPECT_THAT(got->status(), EqualsProto(status));
}

TEST_F(SourceServiceTest, ListsTheConnectionsThatAreMeant) {
  v1::ListConnectionsRequest request;
  (*request.mutable_selector()->mutable_labels())["rack"] = "a";
  request.add_states(v1::CONNECTION_STATE_QUARANTINED);
  const auto got = Call(&Stub::ListConnections, request);
  ASSERT_THAT(got, IsOk());
  ASSERT_EQ(got->connections_size(), 1);
  EXPECT_EQ(got->connections(0).node(), "hv2");
}

TEST_F(SourceServiceTest, ListsTheAgentsThatAreMeant) {
  v1::AgentState agent;
  agent.set_node("hv1");
  agent.set_agent_version("1.2");
  v1::AgentState other;
  other.set_node("hv3");
  controller_.source().SetAgents({other, agent});
  v1::ListAgentsRequest request;
  EXPECT_EQ(Call(&Stub::ListAgents, request)->total_size(), 2);
  (*request.mutable_selector()->mutable_labels())["rack"] = "a";
  const auto got = Call(&Stub::ListAgents, request);
  ASSERT_THAT(got, IsOk());
  ASSERT_EQ(got->agents_size(), 1);
  EXPECT_THAT(got->agents(0), EqualsProto(agent));
}

TEST_F(SourceServiceTest, ARetryReleasesTheHostsThatAreMeantAndWait) {
  v1::RetryRequest one;
  one.mutable_selector()->add_nodes("hv1");
  one.mutable_selector()->add_nodes("hv2");
  const auto released = Call(&Stub::Retry, one);
  ASSERT_THAT(released, IsOk());
  EXPECT_EQ(released->released(), 1);

  const auto rest = Call(&Stub::Retry, v1::RetryRequest());
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(rest->released(), 1);  // hv3
}

TEST_F(SourceServiceTest, ConfirmingDiscoveryNeedsTheNumberThatWasSeen) {
  v1::SourceStatus status;
  status.mutable_discovery()->add_held("hv8");
  status.mutable_discovery()->add_held("hv9");
  controller_.source().SetStatus(status);
  v1::ConfirmDiscoveryRequest request;
  EXPECT_THAT(
      Call(&Stub::ConfirmDiscovery, request),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected_held")));
  request.set_expected_held(1);
  EXPECT_THAT(Call(&Stub::ConfirmDiscovery, request),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  request.set_expected_held(2);
  const auto departed = Call(&Stub::ConfirmDiscovery, request);
  ASSERT_THAT(departed, IsOk());
  EXPECT_THAT(departed->departed(), ElementsAre("hv8", "hv9"));
}

TEST_F(SourceServiceTest, ConfirmingADisappearanceTellsWhoIsGone) {
  controller_.source().HoldGuests("hv1", {GuestId{"u1"}, GuestId{"u2"}});
  v1::ConfirmDisappearanceRequest request;
  request.set_node("hv1");
  const auto gone = Call(&Stub::ConfirmDisappearance, request);
  ASSERT_THAT(gone, IsOk());
  EXPECT_THAT(gone->gone(), ElementsAre("u1", "u2"));
  EXPECT_THAT(Call(&Stub::ConfirmDisappearance, request),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SourceServiceTest, AcceptingAnIdentityTellsWhichItIs) {
  controller_.source().OfferIdentity("hv1", "u1");
  v1::AcceptIdentityRequest request;
  request.set_node("hv1");
  const auto accepted = Call(&Stub::AcceptIdentity, request);
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(accepted->host_uuid(), "u1");
  EXPECT_THAT(Call(&Stub::AcceptIdentity, request),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SourceServiceTest, AHostThatIsNotThereIsNotFound) {
  v1::RetryRequest retry;
  retry.mutable_selector()->add_nodes("hv9");
  v1::ListConnectionsRequest list;
  list.mutable_selector()->add_nodes("hv9");
  v1::ListAgentsRequest agents;
  agents.mutable_selector()->add_nodes("hv9");
  v1::ConfirmDisappearanceRequest confirm;
  confirm.set_node("hv9");
  v1::AcceptIdentityRequest accept;
  accept.set_node("hv9");
  const auto not_found =
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("hv9"));
  EXPECT_THAT(Call(&Stub::Retry, retry), not_found);
  EXPECT_THAT(Call(&Stub::ListConnections, list), not_found);
  EXPECT_THAT(Call(&Stub::ListAgents, agents), not_found);
  EXPECT_THAT(Call(&Stub::ConfirmDisappearance, confirm), not_found);
  EXPECT_THAT(Call(&Stub::AcceptIdentity, accept), not_found);
}

TEST_F(SourceServiceTest, AHostMustBeNamed) {
  EXPECT_THAT(
      Call(&Stub::ConfirmDisappearance, v1::ConfirmDisappearanceRequest()),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node")));
  EXPECT_THAT(Call(&Stub::AcceptIdentity, v1::AcceptIdentityRequest()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("node")));
}

}  // namespace
}  // namespace rehai
