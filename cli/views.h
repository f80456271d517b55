// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_VIEWS_H_
#define CLI_VIEWS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/table.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/resync.pb.h"

// Answers as text for people. Pure: `now` is what ages are counted to.
namespace rehai::cli {

// Hosts in a table, with how current and how synced each is.
std::string HostsTable(const v1::ListHostsResponse& response, absl::Time now,
                       const Look& look);

// What an operator should know of a host, a line for each condition; "" for
// none.
std::string ConditionDetails(const v1::Host& host, absl::Time now,
                             bool colours);

// Guests in a table, with where each is.
std::string GuestsTable(const v1::ListGuestsResponse& response, absl::Time now,
                        const Look& look);

// What each guest is called so that it cannot be mistaken for another: its
// name, or, if several of them have it, its UUID.
std::vector<std::string> GuestNames(const v1::ListGuestsResponse& response);

// A row for each group and, if there are several, one for all. `group_by` is
// what was asked for.
std::string SummaryTable(const v1::SummarizeResponse& response,
                         const std::vector<std::string>& group_by,
                         const Look& look);

// All that is known of one guest, a fact a line.
std::string GuestDetails(const v1::LocatedGuest& guest, absl::Time now,
                         bool colours);

// The differences path by path, with what would go (-) and what would come (+).
std::string DiffText(const v1::ResyncDiffResponse& response, bool colours);

}  // namespace rehai::cli

#endif  // CLI_VIEWS_H_
