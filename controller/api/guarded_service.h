// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_GUARDED_SERVICE_H_
#define CONTROLLER_API_GUARDED_SERVICE_H_

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/api/admission.h"

namespace rehai {

// `service` behind `admission`: with the same methods, of which each asks
// before its handler is called. So no handler can forget it, and a service is
// written as if there were no admission. The server must use the admission's
// contexts and its recorder.
//
// `name` is the service's own, "rehai.v1.Fleet". kInvalidArgument: no such
// service is linked, or it has a method that is not served by the callback API
// or to which the client streams: those are read otherwise.
absl::StatusOr<std::unique_ptr<grpc::Service>> GuardService(
    const std::string& name, std::unique_ptr<grpc::Service> service,
    const Admission& admission);

}  // namespace rehai

#endif  // CONTROLLER_API_GUARDED_SERVICE_H_
