// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_SOURCE_VIEW_H_
#define CLI_SOURCE_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "cli/table.h"
#include "rehai/v1/source.pb.h"

// How hosts are found and reached, as text for people. Pure: `now` is what ages
// are counted to.
namespace rehai::cli {

// The connections and agents, what came over them and how fast, and where hosts
// are found. What never happened is left out.
std::string SourceStatusPage(const v1::SourceStatus& status, absl::Time now,
                             bool colours);

// Connections in a table, with what ails each.
std::string ConnectionsTable(const v1::ListConnectionsResponse& response,
                             absl::Time now, const Look& look);

// The rest that is known of one connection, a fact a line.
std::string ConnectionDetails(const v1::Connection& connection, bool colours);

// Agents in a table, with what ails each.
std::string AgentsTable(const v1::ListAgentsResponse& response, absl::Time now,
                        const Look& look);

// The rest that is known of one agent, a fact a line.
std::string AgentDetails(const v1::AgentState& agent, bool colours);

// The hosts that the brake holds, and the command that lets them go.
std::string HeldHostsText(const v1::DiscoveryStatus& discovery, absl::Time now);

}  // namespace rehai::cli

#endif  // CLI_SOURCE_VIEW_H_
