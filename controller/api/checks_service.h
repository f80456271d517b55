// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CHECKS_SERVICE_H_
#define CONTROLLER_API_CHECKS_SERVICE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "absl/status/statusor.h"
#include "controller/checks/fleet_checks.h"
#include "rehai/v1/checks.pb.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// How many findings there are of each type, those that have none too.
std::map<v1::FindingType, int64_t> CountFindings(const Findings& findings);

// Those that the request asks for. kInvalidArgument: it asks for too many, or
// for a type that is none.
absl::StatusOr<v1::ListFindingsResponse> ListFindings(
    const v1::ListFindingsRequest& request, const Findings& findings);

// `last` gives what the last check found; any thread, never null.
std::unique_ptr<grpc::Service> MakeChecksService(
    std::function<std::shared_ptr<const Findings>()> last);

}  // namespace rehai

#endif  // CONTROLLER_API_CHECKS_SERVICE_H_
