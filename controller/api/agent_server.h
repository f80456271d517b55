// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AGENT_SERVER_H_
#define CONTROLLER_API_AGENT_SERVER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/api/agent_service.h"
#include "controller/api/agent_session_call.h"
#include "controller/api/tls_files.h"
#include "controller/enrolment/enrolment.h"

namespace rehai {

// AgentServer is the port that agents come to: the service Agent and the
// standard health service, and nothing else, so that a firewall can let a whole
// data centre reach it and not the API.
//
// - Made for thousands of connections that say little: small buffers, small
//   windows, and none that is open for long without a call.
// - A client certificate is asked for and, if there is one, verified; what
//   needs one says so itself (AgentService).
// - Without TLS it listens only where other machines cannot reach it, unless
//   told otherwise.
//
// Thread-safe after Start().
class AgentServer {
 public:
  struct Options {
    // host:port, [IPv6]:port or unix:/path. Port 0 takes a free one.
    std::string listen;
    // client_ca: who signed the certificates that agents bring.
    TlsFiles tls;
    bool allow_plaintext_from_anywhere = false;
    // The authority that signs certificates for agents, in PEM; it is trusted
    // beside tls.client_ca. Empty: there is none.
    std::string enrolment_ca_pem;
    // Its transport is what `tls` says.
    AgentService::Options service;
  };

  // Checks the options. `enrolment` is null where nobody is enrolled. All
  // referred to must outlive the server, and `enrolment` what is under way.
  // kInvalidArgument: the address cannot be understood, it would be open to
  // everyone, the TLS files do not fit together, or no certificate of an agent
  // could be verified; kNotFound and kPermissionDenied name the TLS file that
  // cannot be read.
  static absl::StatusOr<std::unique_ptr<AgentServer>> Create(
      Options options, OpenAgentSession open, Enrolment* enrolment,
      const Clock& clock);
  ~AgentServer();

  // Listens and answers from here on. kUnavailable: the address is taken or not
  // this machine's.
  absl::Status Start();

  // The port listened on; 0 for a unix socket or before Start().
  int port() const;

  CertificateCounts certificates() const;

  // When the server's certificate expires; nullopt without TLS.
  std::optional<absl::Time> certificate_expires_at() const;

  // Reads the TLS files anew. Nothing changes before the result is called,
  // which has to happen before the server is destroyed; then connections that
  // are made get the new certificates. Nothing is read where one of both has no
  // TLS. Errors are those of Create().
  absl::StatusOr<std::function<void()>> PrepareReload(const TlsFiles& tls);

  // What the health service says; not serving before.
  void SetReady(bool ready);

  // Lets calls finish, and cancels those that have not after `grace`. Who opens
  // sessions has told them to end before. Once or more.
  void Stop(absl::Duration grace);

 private:
  struct Parts;
  explicit AgentServer(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_AGENT_SERVER_H_
