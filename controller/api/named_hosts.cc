// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/named_hosts.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "proto/ids.h"

namespace rehai {

absl::StatusOr<RecordPtr> FindNamed(const std::string& node,
                                    const Inventory& inventory) {
  if (node.empty()) {
    return absl::InvalidArgumentError("node: empty; name the host's Chef node");
  }
  RecordPtr record = inventory.Find(HostId{node});
  if (record != nullptr) return record;
  return absl::NotFoundError(absl::StrCat(
      "host ", node, ": not in the fleet; ListHosts names those that are"));
}

absl::Status CheckNodes(const v1::HostSelector& selector,
                        const Inventory& inventory) {
  for (const std::string& node : selector.nodes()) {
    RETURN_IF_ERROR(FindNamed(node, inventory).status());
  }
  return absl::OkStatus();
}

}  // namespace rehai
