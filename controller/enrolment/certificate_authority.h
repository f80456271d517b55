// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ENROLMENT_CERTIFICATE_AUTHORITY_H_
#define CONTROLLER_ENROLMENT_CERTIFICATE_AUTHORITY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "proto/ids.h"

namespace rehai {

// Signs agents' certificates: X.509, for TLS clients only, each with the one
// host that it may speak for (agent_names.h) and for a short time, so that a
// stolen one is soon worth nothing and no list of revoked ones is needed.
//
// Immutable, so thread-safe. Its private key never leaves it.
class CertificateAuthority {
 public:
  struct Issued {
    std::string chain_pem;  // the agent's, then the authority's
    absl::Time expires_at;
    std::string serial;  // hexadecimal
  };

  // kInvalidArgument: they are no certificate and private key in PEM, do not
  // belong together, or the certificate is no authority's or has expired.
  // `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Create(
      absl::string_view certificate_pem, absl::string_view key_pem,
      const Clock& clock);
  virtual ~CertificateAuthority() = default;

  // OK if the request (PKCS #10, DER) can be granted: it is signed by the key
  // it is for, and that is EC on P-256 or P-384, Ed25519, or RSA of 2048 to
  // 8192 bits. kInvalidArgument says what is wrong with it.
  static absl::Status Check(absl::string_view request);

  // A certificate for the request's key. Nothing else in the request counts. It
  // ends after `lifetime`, or with the authority's own. kInvalidArgument as
  // Check(); kFailedPrecondition: the authority's own has expired.
  virtual absl::StatusOr<Issued> Issue(absl::string_view request,
                                       const HostId& host,
                                       absl::Duration lifetime) const = 0;

  // What agents' certificates are verified with.
  virtual const std::string& certificate_pem() const = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_ENROLMENT_CERTIFICATE_AUTHORITY_H_
