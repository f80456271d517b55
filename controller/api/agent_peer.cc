// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_peer.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::vector<std::string> Values(const grpc::AuthContext& proved,
                                const char* property) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : proved.FindPropertyValues(property)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

}  // namespace

absl::StatusOr<AgentPeer> ReadAgentPeer(
    const grpc::CallbackServerContext& context, AgentTransport transport,
    absl::Time now) {
  AgentPeer peer{.names = std::nullopt, .address = context.peer()};
  if (transport == AgentTransport::kClear) return peer;
  const std::shared_ptr<const grpc::AuthContext> proved =
      context.auth_context();
  std::vector<std::string> certificates;
  if (proved != nullptr) {
    certificates = Values(*proved, GRPC_X509_PEM_CERT_PROPERTY_NAME);
  }
  if (certificates.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat("agent at ", peer.address,
                     ": it shows no certificate; enrol it, or give it one "
                     "that the controller's agents.tls.client_ca_file has "
                     "signed"));
  }
  ASSIGN_OR_RETURN(peer.certificate_ends_at, CertificateEnd(certificates[0]));
  if (peer.certificate_ends_at <= now) {
    return absl::UnauthenticatedError(absl::StrCat(
        "agent at ", peer.address, ": its certificate ended at ",
        absl::FormatTime(peer.certificate_ends_at), "; enrol it again"));
  }
  peer.names = ReadAgentNames(Values(*proved, GRPC_PEER_URI_PROPERTY_NAME),
                              Values(*proved, GRPC_PEER_DNS_PROPERTY_NAME));
  return peer;
}

absl::StatusOr<absl::Time> CertificateEnd(const std::string& pem) {
  const std::unique_ptr<BIO, Free> reader(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<X509, Free> certificate(
      PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  std::tm end{};
  const bool read =
      certificate != nullptr &&
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) == 1;
  ERR_clear_error();
  if (!read) {
    return absl::InvalidArgumentError(
        "agent's certificate: it is not PEM, or does not say when it ends; "
        "enrol the agent again");
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

}  // namespace rehai
