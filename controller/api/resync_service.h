// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_RESYNC_SERVICE_H_
#define CONTROLLER_API_RESYNC_SERVICE_H_

#include <memory>

#include "controller/api/watch_hub.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// rehai.v1.Resync over gRPC's callback API. `hub` is notified of every change
// of an operation. All must outlive the gRPC server that the service is given
// to; a Diff that Chef answers later than that is dropped.
std::unique_ptr<grpc::Service> MakeResyncService(const Inventory& inventory,
                                                 Syncer& syncer,
                                                 ResyncOperations& operations,
                                                 WatchHub& hub);

}  // namespace rehai

#endif  // CONTROLLER_API_RESYNC_SERVICE_H_
