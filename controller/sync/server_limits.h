// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SERVER_LIMITS_H_
#define CONTROLLER_SYNC_SERVER_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {

// How much a Chef server may be asked; v1::SyncConfig says what each means.
struct ServerLimits {
  double requests_per_second = 50;
  int request_burst = 100;
  int64_t bytes_per_second = 5'000'000;
  int64_t byte_burst = 20'000'000;
  int max_in_flight = 8;
  double server_share = 0.5;
};

// kInvalidArgument: names the field, what it is and what it may be.
absl::Status Validate(const ServerLimits& limits);

// `limits`, with what is set in `change` in its place.
ServerLimits Changed(ServerLimits limits, const v1::ChefLimits& change);

// All of them.
v1::ChefLimits ToProto(const ServerLimits& limits);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SERVER_LIMITS_H_
