// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/caller.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

#include <memory>
#include <string>
#include <vector>

namespace rehai {
namespace {

void AddNames(const grpc::AuthContext& proved, const char* property,
              const char* kind, std::vector<CertificateName>& names) {
  for (const grpc::string_ref& value : proved.FindPropertyValues(property)) {
    names.push_back({kind, std::string(value.data(), value.size())});
  }
}

}  // namespace

std::string CallerName(const grpc::CallbackServerContext& context) {
  std::string name;
  if (const auto* known = dynamic_cast<const CallerContext*>(&context);
      known != nullptr) {
    name = known->caller_name;
  } else if (const Evidence evidence = ReadEvidence(context, true);
             !evidence.names.empty()) {
    name = evidence.names[0].value;
  }
  const std::string address = context.peer();
  if (name.empty() || name == address) return address;
  return name + " at " + address;
}

Evidence ReadEvidence(const grpc::CallbackServerContext& context,
                      bool over_tls) {
  Evidence evidence;
  evidence.address = context.peer();
  evidence.over_tls = over_tls;
  const auto [first, last] =
      context.client_metadata().equal_range("authorization");
  for (auto header = first; header != last; ++header) {
    evidence.authorization.emplace_back(header->second.data(),
                                        header->second.size());
  }
  if (!over_tls) return evidence;
  const std::shared_ptr<const grpc::AuthContext> proved =
      context.auth_context();
  // Without a certificate there are no names, and nobody is authenticated.
  if (proved == nullptr || !proved->IsPeerAuthenticated()) return evidence;
  AddNames(*proved, GRPC_X509_CN_PROPERTY_NAME, "CN", evidence.names);
  AddNames(*proved, GRPC_PEER_URI_PROPERTY_NAME, "URI", evidence.names);
  AddNames(*proved, GRPC_PEER_DNS_PROPERTY_NAME, "DNS", evidence.names);
  AddNames(*proved, GRPC_PEER_EMAIL_PROPERTY_NAME, "email", evidence.names);
  return evidence;
}

}  // namespace rehai
