// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/fake_clock.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// hv1 to hv4, of which the odd ones are in rack a.
class AgentListTest : public testing::Test {
 protected:
  AgentListTest() {
    for (int i = 1; i <= 4; ++i) {
      const std::string node = absl::StrCat("hv", i);
      inventory_.AddHost({node}, {{"rack", i % 2 == 1 ? "a" : "b"}});
      agents_.emplace_back().set_node(node);
    }
  }

  // The nodes listed; the error's text for an error.
  std::vector<std::string> Nodes(const v1::ListAgentsRequest& request) {
    const auto response = ListAgents(request, agents_, inventory_);
    if (!response.ok()) return {response.status().ToString()};
    std::vector<std::string> nodes;
    for (const v1::AgentState& agent : response->agents()) {
      nodes.push_back(agent.node());
    }
    return nodes;
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  std::vector<v1::AgentState> agents_;
};

TEST_F(AgentListTest, TheSelectorSaysWhichAreMeant) {
  EXPECT_THAT(Nodes({}), ElementsAre("hv1", "hv2", "hv3", "hv4"));
  v1::ListAgentsRequest request;
  (*request.mutable_selector()->mutable_labels())["rack"] = "a";
  EXPECT_THAT(Nodes(request), ElementsAre("hv1", "hv3"));
  request.mutable_selector()->add_nodes("hv3");
  EXPECT_THAT(Nodes(request), ElementsAre("hv3"));
}

TEST_F(AgentListTest, PagesFollowEachOther) {
  v1::ListAgentsRequest request;
  request.set_page_size(3);
  const auto first = ListAgents(request, agents_, inventory_);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->agents_size(), 3);
  EXPECT_EQ(first->total_size(), 4);
  request.set_page_token(first->next_page_token());
  const auto second = ListAgents(request, agents_, inventory_);
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->agents_size(), 1);
  EXPECT_EQ(second->agents(0).node(), "hv4");
  EXPECT_THAT(second->next_page_token(), IsEmpty());
  request.mutable_selector()->add_nodes("hv1");
  EXPECT_THAT(ListAgents(request, agents_, inventory_),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(AgentListTest, AHostThatIsNotThereIsNotFound) {
  v1::ListAgentsRequest request;
  request.mutable_selector()->add_nodes("hv9");
  EXPECT_THAT(ListAgents(request, agents_, inventory_),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace rehai
