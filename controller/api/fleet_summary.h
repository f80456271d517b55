// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_SUMMARY_H_
#define CONTROLLER_API_FLEET_SUMMARY_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/api/fleet_table.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai {

// The answer to the request, of this table. kInvalidArgument: a bad filter or
// group; kResourceExhausted: too many groups.
absl::StatusOr<v1::SummarizeResponse> Summarize(
    const v1::SummarizeRequest& request, const FleetTable& table,
    const Syncer& syncer, absl::Time now);

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_SUMMARY_H_
