// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_ERRORS_H_
#define CONTROLLER_SYNC_ERRORS_H_

#include <string>

#include "absl/status/status.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

// Why a host cannot be synced as asked.
namespace rehai {

// kNotFound.
absl::Status UnknownHost(const HostId& host);
// kFailedPrecondition.
absl::Status NothingObserved(const HostId& host);
// kFailedPrecondition. The host's identity is in doubt by `condition`.
absl::Status IdentityDoubted(const HostId& host,
                             const v1::Condition& condition);
// kCancelled.
absl::Status ShuttingDown(const HostId& host);

// That another writer is at work at a node, and what to do.
std::string RivalError(const HostId& host);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_ERRORS_H_
