// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_CONTROLLER_CREDENTIALS_H_
#define AGENT_CONTROLLER_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace rehai::agent {

// With what the agent speaks to the controller: whom it trusts, and the
// certificate that says for which host it speaks. Static files, or a
// short-lived certificate for which it enrols with the host's Chef client key,
// keeps in a folder of its own, and renews.
//
// Not thread-safe. Blocks as long as the deadlines that it is given.
class ControllerCredentials {
 public:
  struct Options {
    std::string controller;  // host:port, or unix:/path
    // Speak in clear: no trust, no certificate, no enrolment.
    bool plaintext = false;
    // PEM: who signed the controller's certificate.
    std::string ca_file = {};
    // The name in the controller's certificate, if it is not that of
    // `controller`.
    std::string tls_server_name = {};
    // Static certificate and key, PEM. Both empty: enrol.
    std::string certificate_file = {};
    std::string key_file = {};
    // For enrolment: the Chef node, the private key of its Chef client, and the
    // folder, made 0700 if it is not there, that holds what was issued.
    std::string node = {};
    std::string client_key_file = {};
    std::string state_folder = {};
  };

  // kInvalidArgument, kNotFound, kPermissionDenied: a file is missing, not to
  // be read, too open, or not what it should be. Asks nobody.
  static absl::StatusOr<std::unique_ptr<ControllerCredentials>> Create(
      Options options, const Clock& clock);
  virtual ~ControllerCredentials() = default;

  // What to open a channel with now. Enrols first if there is no certificate
  // that is good, so it may block, but not beyond `timeout`. kPermissionDenied:
  // the controller refuses this host; kUnavailable, kDeadlineExceeded: later.
  virtual absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Get(
      absl::Duration timeout) = 0;

  // What the channel must be opened with beside them: the name that the
  // controller's certificate is to have.
  virtual grpc::ChannelArguments arguments() const { return {}; }

  // When Renew() is to be called, by the wall clock: after two thirds of the
  // certificate's life, less up to a tenth of it. Infinite: never.
  virtual absl::Time renew_at() const = 0;
  // Asks for a new certificate with the old one. What Get() gives afterwards is
  // the new one; channels that are open keep the old one. A failure leaves the
  // old one in place and moves renew_at() on.
  virtual absl::Status Renew(absl::Duration timeout) = 0;
};

}  // namespace rehai::agent

#endif  // AGENT_CONTROLLER_CREDENTIALS_H_
