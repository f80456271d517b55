// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/errors.h"

#include "absl/strings/str_cat.h"

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

std::string RivalError(const HostId& host) {
  return absl::StrCat(
      "node ", host.node,
      ": another writer keeps the same attributes of it; let only one "
      "controller or agent write a node");
}

}  // namespace rehai
