// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AGENT_PEER_H_
#define CONTROLLER_API_AGENT_PEER_H_

#include <grpcpp/server_context.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "controller/source/agent_sessions.h"

namespace rehai {

// Whether agents come over TLS. In clear they are believed.
enum class AgentTransport { kTls, kClear };

// Who makes a call. kUnauthenticated: it came over TLS and has no certificate,
// or one that ended before `now`, as a connection that stays open outlives it.
absl::StatusOr<AgentPeer> ReadAgentPeer(
    const grpc::CallbackServerContext& context, AgentTransport transport,
    absl::Time now);

// When the first certificate in `pem` ends. kInvalidArgument: there is none.
absl::StatusOr<absl::Time> CertificateEnd(const std::string& pem);

}  // namespace rehai

#endif  // CONTROLLER_API_AGENT_PEER_H_
