// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/tls_context.h"

#include <openssl/err.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace rehai {
namespace {

// OpenSSL's own reason, for what LoadTlsFiles() does not find.
absl::Status Refused(const std::string& file) {
  char reason[256];
  ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
  ERR_clear_error();
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": OpenSSL does not take it (", reason,
                   "); is it the right file, and its key long enough?"));
}

absl::Status RequireClientCertificates(SSL_CTX* context,
                                       const std::string& ca_file) {
  if (SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    return Refused(ca_file);
  }
  // Tells clients whose certificates to present. Owned by the context.
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(ca_file.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ServerTls>> MakeServerTls(
    absl::string_view section, const TlsFiles& files) {
  // Its messages say more than OpenSSL's.
  ASSIGN_OR_RETURN(const TlsMaterial material,
                   LoadTlsFiles(section, files, ClientCertificates::kOptional));
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return Refused(files.certificate);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  // Every connection carries one request; there is nothing to resume.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(context.get(),
                                         files.certificate.c_str()) != 1) {
    return Refused(files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(),
                                  SSL_FILETYPE_PEM) != 1) {
    return Refused(files.key);
  }
  if (!files.client_ca.empty()) {
    RETURN_IF_ERROR(RequireClientCertificates(context.get(), files.client_ca));
  }
  return std::make_shared<const ServerTls>(ServerTls{
      .context = std::move(context), .expires_at = material.expires_at});
}

}  // namespace rehai
