// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_TLS_IDENTITY_H_
#define AGENT_TLS_IDENTITY_H_

#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::agent {

// What TLS shows of who we are: a private key and the certificate that is for
// it. Errors here have no subject, and nothing here prints key material.
//
// Immutable. Its copy of the key is overwritten when it goes.
class TlsIdentity {
 public:
  // PEM; certificates of those who signed may follow in `chain_pem`.
  // kInvalidArgument: one of them is not what it should be, or the key is
  // another certificate's.
  static absl::StatusOr<TlsIdentity> Create(std::string chain_pem,
                                            std::string key_pem);
  // Both from one text, as Text() makes it.
  static absl::StatusOr<TlsIdentity> Parse(absl::string_view text);

  TlsIdentity(TlsIdentity&& other) noexcept = default;
  TlsIdentity& operator=(TlsIdentity&& other) noexcept;
  ~TlsIdentity();

  // The key, then the chain. To be wiped after use.
  std::string Text() const { return key_pem_ + chain_pem_; }

  const std::string& chain_pem() const { return chain_pem_; }
  const std::string& key_pem() const { return key_pem_; }
  absl::Time begins_at() const { return begins_at_; }
  absl::Time ends_at() const { return ends_at_; }
  // True if it says that it is for this Chef node, as the controller's own
  // certificates do: by the URI rehai:node:NODE.
  bool IsIssuedTo(absl::string_view node) const;

 private:
  TlsIdentity(std::string chain_pem, std::string key_pem)
      : chain_pem_(std::move(chain_pem)), key_pem_(std::move(key_pem)) {}

  std::string chain_pem_;
  std::string key_pem_;
  absl::Time begins_at_;
  absl::Time ends_at_;
  std::set<std::string> uris_;
};

// A fresh key, EC on P-256, and the request to certify it.
struct CertificateRequest {
  std::string key_pem;  // to be wiped after use
  std::string der;      // PKCS #10; it names nobody
};

// kInternal: OpenSSL cannot.
absl::StatusOr<CertificateRequest> MakeCertificateRequest();

// OK if there is a certificate in PEM to trust. kInvalidArgument: there is not.
absl::Status CheckCertificate(absl::string_view pem);

}  // namespace rehai::agent

#endif  // AGENT_TLS_IDENTITY_H_
