// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AUDIT_SERVICE_H_
#define CONTROLLER_API_AUDIT_SERVICE_H_

#include <memory>

#include "controller/state/past.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// rehai.v1.Audit over gRPC's callback API. The answer is `past`'s, which must
// outlive the gRPC server that the service is given to. Its handler never
// waits.
std::unique_ptr<grpc::Service> MakeAuditService(Past& past);

}  // namespace rehai

#endif  // CONTROLLER_API_AUDIT_SERVICE_H_
