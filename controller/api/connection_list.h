// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CONNECTION_LIST_H_
#define CONTROLLER_API_CONNECTION_LIST_H_

#include <vector>

#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/source.pb.h"

// Which of the connections a request means. A host's labels are those of its
// Record. Errors are those of source.proto.
namespace rehai {

// A page of `connections`, which are all there are, sorted by node.
absl::StatusOr<v1::ListConnectionsResponse> ListConnections(
    const v1::ListConnectionsRequest& request,
    const std::vector<v1::Connection>& connections, const Inventory& inventory);

// The hosts of those `connections` that the selector means.
absl::StatusOr<std::vector<HostId>> SelectConnected(
    const v1::HostSelector& selector,
    const std::vector<v1::Connection>& connections, const Inventory& inventory);

}  // namespace rehai

#endif  // CONTROLLER_API_CONNECTION_LIST_H_
