// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_SERVICE_H_
#define CONTROLLER_API_FLEET_SERVICE_H_

#include <memory>

#include "controller/api/fleet_queries.h"
#include "controller/api/watch_hub.h"
#include "controller/inventory/inventory.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// rehai.v1.Fleet over gRPC's callback API; what it answers is FleetQueries' and
// FleetWatch's. `hub` is notified of every change of the inventory. All must
// outlive the gRPC server that the service is given to.
std::unique_ptr<grpc::Service> MakeFleetService(const FleetQueries& queries,
                                                const Inventory& inventory,
                                                WatchHub& hub);

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_SERVICE_H_
