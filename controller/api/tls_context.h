// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_TLS_CONTEXT_H_
#define CONTROLLER_API_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/api/tls_files.h"

namespace rehai {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

struct ServerTls {
  SslContext context;
  absl::Time expires_at;  // the server's certificate
};

// What a server needs for TLS 1.2 and later. With a client CA, clients must
// present a certificate that it has signed. Errors are those of LoadTlsFiles().
absl::StatusOr<std::shared_ptr<const ServerTls>> MakeServerTls(
    absl::string_view section, const TlsFiles& files);

}  // namespace rehai

#endif  // CONTROLLER_API_TLS_CONTEXT_H_
