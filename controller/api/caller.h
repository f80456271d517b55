// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CALLER_H_
#define CONTROLLER_API_CALLER_H_

#include <grpcpp/server_context.h>

#include <string>

namespace rehai {

// Who makes a call, for the log: the name in its certificate where TLS has
// proved it, and where it calls from: "ops-1 at ipv4:192.0.2.7:51422".
std::string CallerName(const grpc::CallbackServerContext& context);

}  // namespace rehai

#endif  // CONTROLLER_API_CALLER_H_
