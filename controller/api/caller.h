// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_CALLER_H_
#define CONTROLLER_API_CALLER_H_

#include <grpcpp/server_context.h>

#include <string>

#include "controller/access/roster.h"

namespace rehai {

// The context of a call whose caller has been made out.
class CallerContext : public grpc::CallbackServerContext {
 public:
  // For people; set before the call's handler runs.
  std::string caller_name;
};

// Who calls, for logs and what is kept: the name that the caller was made out
// by, or the first that its certificate proves, and the address that it calls
// from. Just the address where clients prove nothing, on loopback and unix
// sockets.
std::string CallerName(const grpc::CallbackServerContext& context);

// All that a call shows of who calls. The names are those of a certificate that
// the client has proved to be its own: common name, URIs, DNS names and e-mail
// addresses, in this order.
Evidence ReadEvidence(const grpc::CallbackServerContext& context,
                      bool over_tls);

}  // namespace rehai

#endif  // CONTROLLER_API_CALLER_H_
