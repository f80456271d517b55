// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_CHEF_VIEW_H_
#define CLI_CHEF_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "cli/table.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"

// How Chef is doing, as text for people. Pure: `now` is what ages are counted
// to.
namespace rehai::cli {

// The server, what waits for it, what holds it back, and what was done. What
// never happened is left out.
std::string ChefStatusPage(const v1::ChefStatus& status, absl::Time now,
                           bool colours);

// What a node weighs, by path, and what its writes were for.
std::string ChefCostPage(const v1::ChefCostResponse& cost, bool colours);

// Each limit by the name that sets it.
std::string ChefLimitsTable(const v1::ChefLimits& limits, bool colours);

// Where a host's node stands, a fact a line.
std::string SyncDetails(const v1::SyncStatus& sync, absl::Time now,
                        bool colours);

}  // namespace rehai::cli

#endif  // CLI_CHEF_VIEW_H_
