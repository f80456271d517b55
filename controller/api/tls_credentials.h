// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_TLS_CREDENTIALS_H_
#define CONTROLLER_API_TLS_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "controller/api/tls_files.h"

namespace rehai {

// gRPC's credentials of a server whose certificates are replaced while it runs:
// connections that are made afterwards have the new ones, those that are there
// keep theirs. gRPC's C++ interface has this for files that it watches and
// reads by itself only, so that a wrong file would be found by a failed
// handshake; its C interface asks whoever knows, and so does this.
//
// Thread-safe. Outlives the server.
class TlsCredentials final : public grpc::ServerCredentials {
 public:
  TlsCredentials(TlsMaterial material,
                 grpc_ssl_client_certificate_request_type request);
  ~TlsCredentials() override;

  void Replace(TlsMaterial material);

  // When the newest certificate does.
  absl::Time expires_at() const;

  // There is none.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& processor) override;

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override;
  // For each connection, on gRPC's threads, one after the other.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);
  // What gRPC does not have yet, for it to own; null if there is nothing.
  grpc_ssl_server_certificate_config* TakeNew();

  mutable Mutex mu_;
  TlsMaterial material_ ABSL_GUARDED_BY(mu_);
  bool is_taken_ ABSL_GUARDED_BY(mu_) = false;  // gRPC has `material_`
  grpc_server_credentials* const credentials_;  // owned
};

// For the server's builder: these, or in clear if they are null.
std::shared_ptr<grpc::ServerCredentials> OrInClear(
    std::shared_ptr<TlsCredentials> credentials);

// Nullopt if they are null.
std::optional<absl::Time> ExpiryOf(const TlsCredentials* credentials);

}  // namespace rehai

#endif  // CONTROLLER_API_TLS_CREDENTIALS_H_
