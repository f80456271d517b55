// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/caller.h"

#include <grpcpp/security/auth_context.h>

#include <memory>
#include <vector>

namespace rehai {

std::string CallerName(const grpc::CallbackServerContext& context) {
  const std::shared_ptr<const grpc::AuthContext> proved =
      context.auth_context();
  if (proved == nullptr || !proved->IsPeerAuthenticated()) {
    return context.peer();
  }
  const std::vector<grpc::string_ref> names = proved->GetPeerIdentity();
  if (names.empty()) return context.peer();
  return std::string(names[0].data(), names[0].size()) + " at " +
         context.peer();
}

}  // namespace rehai
