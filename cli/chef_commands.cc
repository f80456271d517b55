// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/chef_commands.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "cli/arguments.h"
#include "cli/chef_view.h"
#include "cli/client.h"
#include "rehai/v1/chef.pb.h"

namespace rehai::cli {

absl::StatusOr<ExitStatus> RunChefStatus(const CommandRun& run) {
  return ShowOrWatch(run, [&]() -> absl::StatusOr<Answer> {
    ASSIGN_OR_RETURN(v1::ChefStatus status, run.client.ChefStatus());
    return MakeAnswer<v1::ChefStatus>(
        std::move(status), [](const v1::ChefStatus& now_is, const Look& look) {
          return ChefStatusPage(now_is, CommandRun::Now(), look.colours);
        });
  });
}

absl::StatusOr<ExitStatus> RunChefCost(const CommandRun& run) {
  ASSIGN_OR_RETURN(v1::ChefCostResponse cost,
                   run.client.ChefCost(run.invocation.arguments[0]));
  RETURN_IF_ERROR(
      Show(run, MakeAnswer<v1::ChefCostResponse>(
                    std::move(cost),
                    [](const v1::ChefCostResponse& all, const Look& look) {
                      return ChefCostPage(all, look.colours);
                    })));
  return kDone;
}

absl::StatusOr<ExitStatus> RunChefLimits(const CommandRun& run) {
  ASSIGN_OR_RETURN(const v1::ChefLimits changes, ReadLimits(run.invocation));
  v1::ChefLimits limits;
  if (changes.ByteSizeLong() > 0) {
    ASSIGN_OR_RETURN(limits, run.client.SetChefLimits(changes));
  } else {
    ASSIGN_OR_RETURN(const v1::ChefStatus status, run.client.ChefStatus());
    limits = status.limits();
  }
  RETURN_IF_ERROR(Show(run, MakeAnswer<v1::ChefLimits>(
                                std::move(limits), [](const v1::ChefLimits& all,
                                                      const Look& look) {
                                  return ChefLimitsTable(all, look.colours);
                                })));
  return kDone;
}

}  // namespace rehai::cli
