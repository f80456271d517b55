// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_HISTORY_SERVICE_H_
#define CONTROLLER_API_HISTORY_SERVICE_H_

#include <memory>

#include "controller/state/past.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// rehai.v1.History over gRPC's callback API. Checks what is asked, and leaves
// the answer to `past`, which must outlive the gRPC server that the service is
// given to. Its handlers never wait.
std::unique_ptr<grpc::Service> MakeHistoryService(Past& past);

}  // namespace rehai

#endif  // CONTROLLER_API_HISTORY_SERVICE_H_
