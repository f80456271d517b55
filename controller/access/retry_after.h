// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_RETRY_AFTER_H_
#define CONTROLLER_ACCESS_RETRY_AFTER_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rehai {

// The status with when to try again, as a google.rpc.RetryInfo in its payload,
// which goes to gRPC clients in grpc-status-details-bin.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

// What WithRetryAfter() put in; nullopt if nothing was.
std::optional<absl::Duration> RetryAfter(const absl::Status& status);

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_RETRY_AFTER_H_
