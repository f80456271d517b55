// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_GRPC_STATUS_H_
#define CONTROLLER_API_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace rehai {

// The same status in gRPC's type; the codes have the same numbers.
// The payloads of absl's, such as WithRetryAfter()'s, become details.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace rehai

#endif  // CONTROLLER_API_GRPC_STATUS_H_
