// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/tls_credentials.h"

#include <grpc/grpc.h>

#include <utility>

namespace rehai {

TlsCredentials::TlsCredentials(TlsMaterial material,
                               grpc_ssl_client_certificate_request_type request)
    : material_(std::move(material)),
      credentials_(grpc_ssl_server_credentials_create_with_options(
          grpc_ssl_server_credentials_create_options_using_config_fetcher(
              request, &TlsCredentials::Fetch, this))) {}

TlsCredentials::~TlsCredentials() {
  grpc_server_credentials_release(credentials_);
}

void TlsCredentials::Replace(TlsMaterial material) {
  MutexLock lock(mu_);
  material_ = std::move(material);
  is_taken_ = false;
}

absl::Time TlsCredentials::expires_at() const {
  MutexLock lock(mu_);
  return material_.expires_at;
}

void TlsCredentials::SetAuthMetadataProcessor(
    const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) {}

int TlsCredentials::AddPortToServer(const std::string& address,
                                    grpc_server* server) {
  return grpc_server_add_http2_port(server, address.c_str(), credentials_);
}

grpc_ssl_certificate_config_reload_status TlsCredentials::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  grpc_ssl_server_certificate_config* const anew =
      static_cast<TlsCredentials*>(self)->TakeNew();
  if (anew == nullptr) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  *config = anew;
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

grpc_ssl_server_certificate_config* TlsCredentials::TakeNew() {
  MutexLock lock(mu_);
  if (std::exchange(is_taken_, true)) return nullptr;
  const grpc_ssl_pem_key_cert_pair pair = {material_.key_pem.c_str(),
                                           material_.certificate_pem.c_str()};
  return grpc_ssl_server_certificate_config_create(
      material_.client_ca_pem.empty() ? nullptr
                                      : material_.client_ca_pem.c_str(),
      &pair, 1);
}

std::shared_ptr<grpc::ServerCredentials> OrInClear(
    std::shared_ptr<TlsCredentials> credentials) {
  if (credentials == nullptr) return grpc::InsecureServerCredentials();
  return credentials;
}

std::optional<absl::Time> ExpiryOf(const TlsCredentials* credentials) {
  if (credentials == nullptr) return std::nullopt;
  return credentials->expires_at();
}

}  // namespace rehai
