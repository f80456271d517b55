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
// kFailedPrecondition. What is known is from before the restart.
absl::Status NotReadSinceRestart(const HostId& host);
// kFailedPrecondition. The host's identity is in doubt by `condition`.
absl::Status IdentityDoubted(const HostId& host,
                             const v1::Condition& condition);
// kCancelled.
absl::Status ShuttingDown(const HostId& host);
// kAborted. What Ohai found has been superseded: by a newer run of it, or by a
// chef-client run that saved the node later.
absl::Status OhaiSuperseded(const HostId& host);
absl::Status OhaiOutdated(const HostId& host);
// kResourceExhausted.
absl::Status TooMuchOhai(const HostId& host);

// Why nothing can be written of a host with this record, null if it is unknown:
// one of the first four. OK if something can.
absl::Status CheckWritable(const HostId& host, const v1::Record* record);

// That another writer is at work at a node, and what to do.
std::string RivalError(const HostId& host);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_ERRORS_H_
