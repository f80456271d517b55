// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_ENROLMENT_H_
#define AGENT_ENROLMENT_H_

#include <grpc/support/time.h>
#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/tls_identity.h"

// The agent's side of enrolment; agent.proto has the steps. Each asks once,
// with a fresh key, and blocks until `deadline` at most.
//
// kPermissionDenied: the controller refuses this host; kFailedPrecondition: it
// certifies nobody; kUnavailable, kDeadlineExceeded: it cannot be reached, or
// not with the trust that the channel has; kInternal: what it issued is not for
// this key and this node.
namespace rehai::agent {

// Who asks whom.
struct Certifier {
  std::string address;  // for messages
  std::shared_ptr<grpc::Channel> channel;
  gpr_timespec deadline;
};

// Proves who the host is with its Chef client's key, for which
// kInvalidArgument, kNotFound and others are, too: it is no RSA key, or cannot
// be read.
absl::StatusOr<TlsIdentity> Enrol(const Certifier& controller,
                                  const std::string& node,
                                  const std::string& client_key_file);

// Over a channel that shows the certificate that is to be replaced.
absl::StatusOr<TlsIdentity> RenewCertificate(const Certifier& controller,
                                             const std::string& node);

}  // namespace rehai::agent

#endif  // AGENT_ENROLMENT_H_
