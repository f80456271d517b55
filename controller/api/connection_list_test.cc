// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/connection_list.h"

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
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// hv1 to hv5, of which the odd ones are in rack a, and one that the inventory
// does not know yet.
class ConnectionListTest : public testing::Test {
 protected:
  ConnectionListTest() {
    for (int i = 1; i <= 5; ++i) {
      const std::string node = absl::StrCat("hv", i);
      inventory_.AddHost({node}, {{"rack", i % 2 == 1 ? "a" : "b"}});
      Add(node,
          i == 5 ? v1::CONNECTION_STATE_QUARANTINED : v1::CONNECTION_STATE_UP);
    }
    Add("new", v1::CONNECTION_STATE_DIALING);
  }

  void Add(const std::string& node, v1::ConnectionState state) {
    v1::Connection& connection = connections_.emplace_back();
    connection.set_node(node);
    connection.set_state(state);
  }

  absl::StatusOr<v1::ListConnectionsResponse> List(
      const v1::ListConnectionsRequest& request) {
    return ListConnections(request, connections_, inventory_);
  }

  // The nodes listed; the error's text for an error.
  std::vector<std::string> Nodes(const v1::ListConnectionsRequest& request) {
    const auto response = List(request);
    if (!response.ok()) return {response.status().ToString()};
    std::vector<std::string> nodes;
    for (const v1::Connection& connection : response->connections()) {
      nodes.push_back(connection.node());
    }
    return nodes;
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  std::vector<v1::Connection> connections_;
};

TEST_F(ConnectionListTest, AnEmptySelectorMeansAll) {
  EXPECT_THAT(Nodes({}), ElementsAre("hv1", "hv2", "hv3", "hv4", "hv5", "new"));
}

TEST_F(ConnectionListTest, NodesLabelsAndStatesMustAllFit) {
  v1::ListConnectionsRequest request;
  (*request.mutable_selector()->mutable_labels())["rack"] = "a";
  EXPECT_THAT(Nodes(request), ElementsAre("hv1", "hv3", "hv5"));
  request.add_states(v1::CONNECTION_STATE_UP);
  EXPECT_THAT(Nodes(request), ElementsAre("hv1", "hv3"));
  request.add_states(v1::CONNECTION_STATE_QUARANTINED);
  EXPECT_THAT(Nodes(request), ElementsAre("hv1", "hv3", "hv5"));
  request.mutable_selector()->add_nodes("hv2");
  request.mutable_selector()->add_nodes("hv3");
  EXPECT_THAT(Nodes(request), ElementsAre("hv3"));
}

TEST_F(ConnectionListTest, PagesNeitherRepeatNorSkip) {
  v1::ListConnectionsRequest request;
  request.set_page_size(4);
  const auto first = List(request);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->connections_size(), 4);
  EXPECT_EQ(first->total_size(), 6);
  request.set_page_token(first->next_page_token());
  connections_.erase(connections_.begin());  // hv1 leaves between the pages
  const auto second = List(request);
  ASSERT_THAT(second, IsOk());
  ASSERT_EQ(second->connections_size(), 2);
  EXPECT_EQ(second->connections(0).node(), "hv5");
  EXPECT_THAT(second->next_page_token(), IsEmpty());
}

TEST_F(ConnectionListTest, APageOfLongErrorsEndsEarly) {
  for (v1::Connection& connection : connections_) {
    connection.set_last_error(std::string(1 << 20, 'x'));
  }
  const auto page = List({});
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->connections_size(), 2);
  EXPECT_EQ(page->total_size(), 6);
}

TEST_F(ConnectionListTest, ATokenGoesWithItsQuestion) {
  v1::ListConnectionsRequest request;
  request.set_page_size(1);
  const auto first = List(request);
  ASSERT_THAT(first, IsOk());
  request.set_page_token(first->next_page_token());
  request.add_states(v1::CONNECTION_STATE_UP);
  EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ConnectionListTest, WhatDoesNotExistIsRefused) {
  v1::ListConnectionsRequest state;
  state.add_states(static_cast<v1::ConnectionState>(99));
  EXPECT_THAT(List(state), StatusIs(absl::StatusCode::kInvalidArgument,
                                    HasSubstr("states: 99")));
  v1::ListConnectionsRequest unspecified;
  unspecified.add_states(v1::CONNECTION_STATE_UNSPECIFIED);
  EXPECT_THAT(List(unspecified), StatusIs(absl::StatusCode::kInvalidArgument));
  v1::ListConnectionsRequest node;
  node.mutable_selector()->add_nodes("hv9");
  EXPECT_THAT(List(node),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("host hv9")));
  v1::ListConnectionsRequest size;
  size.set_page_size(-1);
  EXPECT_THAT(List(size), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ConnectionListTest, ASelectionIsOfHostsThatAreConnectedTo) {
  inventory_.AddHost({"pushed"}, {{"rack", "a"}});
  v1::HostSelector selector;
  (*selector.mutable_labels())["rack"] = "a";
  const auto hosts = SelectConnected(selector, connections_, inventory_);
  EXPECT_THAT(hosts, IsOkAndHolds(ElementsAre(HostId{"hv1"}, HostId{"hv3"},
                                              HostId{"hv5"})));
  selector.add_nodes("hv9");
  EXPECT_THAT(SelectConnected(selector, connections_, inventory_),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace rehai
