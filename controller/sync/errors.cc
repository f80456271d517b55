// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/errors.h"

#include "absl/strings/str_cat.h"
#include "controller/inventory/record.h"
#include "controller/sync/planner.h"

namespace rehai {

absl::Status UnknownHost(const HostId& host) {
  return absl::NotFoundError(
      absl::StrCat("host ", host.node,
                   ": not in the fleet; check the name, or add the host "
                   "to the configuration"));
}

absl::Status NothingObserved(const HostId& host) {
  return absl::FailedPreconditionError(
      absl::StrCat("host ", host.node,
                   ": nothing has been observed of it yet, so there is nothing "
                   "to write; see whether its hypervisor can be reached"));
}

absl::Status NotReadSinceRestart(const HostId& host) {
  return absl::FailedPreconditionError(absl::StrCat(
      "host ", host.node,
      ": what is known of it is from before the restart of the controller, and "
      "its node is not written by that; it is once its hypervisor has been "
      "read"));
}

absl::Status IdentityDoubted(const HostId& host,
                             const v1::Condition& condition) {
  return absl::FailedPreconditionError(
      absl::StrCat("host ", host.node,
                   ": its node is not written while it has the condition ",
                   condition.type(), ": ", condition.message()));
}

absl::Status ShuttingDown(const HostId& host) {
  return absl::CancelledError(absl::StrCat(
      "host ", host.node, ": the controller is shutting down; ask again"));
}

absl::Status OhaiSuperseded(const HostId& host) {
  return absl::AbortedError(
      absl::StrCat("host ", host.node,
                   ": what Ohai found was superseded by a newer run of it "
                   "before it was written; see how that one ends"));
}

absl::Status OhaiOutdated(const HostId& host) {
  return absl::AbortedError(absl::StrCat(
      "host ", host.node,
      ": what Ohai found was not written, as the node's ohai_time is later: a "
      "chef-client run has saved it since; ask again if that was not so, and "
      "compare the host's clock"));
}

absl::Status TooMuchOhai(const HostId& host) {
  return absl::ResourceExhaustedError(
      absl::StrCat("host ", host.node,
                   ": too much of Ohai's output waits to be written; see how "
                   "the Chef server is, and ask for fewer hosts or plugins"));
}

absl::Status CheckWritable(const HostId& host, const v1::Record* record) {
  if (record == nullptr) return UnknownHost(host);
  if (const v1::Condition* doubt = FindIdentityDoubt(*record)) {
    return IdentityDoubted(host, *doubt);
  }
  if (IsBeforeRestart(*record)) return NotReadSinceRestart(host);
  return IsObserved(*record) ? absl::OkStatus() : NothingObserved(host);
}

std::string RivalError(const HostId& host) {
  return absl::StrCat(
      "node ", host.node,
      ": another writer keeps the same attributes of it; let only one "
      "controller or agent write a node");
}

}  // namespace rehai
