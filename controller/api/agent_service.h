// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AGENT_SERVICE_H_
#define CONTROLLER_API_AGENT_SERVICE_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/api/agent_peer.h"
#include "controller/api/agent_session_call.h"
#include "controller/enrolment/enrolment.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// How agents' certificates went. All counted since the controller's start.
struct CertificateCounts {
  int64_t issued = 0;
  // Enrolments and renewals that ended without one.
  int64_t refused = 0;
};

// AgentService answers agents: sessions, and certificates.
//
// Over TLS, a session and a renewal need a certificate, and an enrolment needs
// none. In clear there are no certificates: sessions are believed, and nobody
// is enrolled. Thread-safe; handlers never block.
class AgentService {
 public:
  struct Options {
    AgentTransport transport = AgentTransport::kTls;
    // Enrolments that wait for Chef; more are told to come again.
    int most_enrolments = 256;
    // For Chef to answer with a client's keys.
    absl::Duration enrolment_timeout = absl::Seconds(30);
    AgentSessionCall::Options session = {};
  };

  virtual ~AgentService() = default;
  // For a gRPC server.
  virtual grpc::Service& service() = 0;
  virtual CertificateCounts certificates() const = 0;

  // `enrolment` null: nobody is enrolled. `clock` and what `open` calls must
  // outlive it, and `enrolment` what is under way.
  static std::unique_ptr<AgentService> Make(Options options,
                                            OpenAgentSession open,
                                            Enrolment* enrolment,
                                            const Clock& clock);
};

}  // namespace rehai

#endif  // CONTROLLER_API_AGENT_SERVICE_H_
