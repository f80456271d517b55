// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_HISTORY_VIEW_H_
#define CLI_HISTORY_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "cli/table.h"
#include "rehai/v1/audit.pb.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/explain.pb.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/visibility.pb.h"

// What was, and how far it has come, as text for people. Pure but for the local
// time zone; `now` is what ages are counted to.
namespace rehai::cli {

std::string EventsTable(const v1::ListEventsResponse& response,
                        const Look& look);
std::string GuestsAsOfTable(const v1::ListGuestsAsOfResponse& response,
                            const Look& look);
std::string HostsAsOfTable(const v1::ListHostsAsOfResponse& response,
                           const Look& look);
std::string HistoryDiffTable(const v1::HistoryDiffResponse& response,
                             const Look& look);

// A row for each change, and how far the host has come.
std::string ReceiptsTable(const v1::GetReceiptsResponse& response,
                          const Look& look);
// One line: that it is so, and how long each step took.
std::string WaitText(const v1::WaitVisibleResponse& response);

// Verdict, value, fact and reasons, a line each.
std::string ExplainText(const v1::Explanation& explanation, absl::Time now,
                        const Look& look);

std::string FindingsTable(const v1::ListFindingsResponse& response,
                          absl::Time now, const Look& look);

std::string AuditTable(const v1::ListEntriesResponse& response,
                       const Look& look);

}  // namespace rehai::cli

#endif  // CLI_HISTORY_VIEW_H_
