// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_TLS_FILES_H_
#define CONTROLLER_API_TLS_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai {

// Where TLS has its PEM files. All empty for plaintext.
struct TlsFiles {
  std::string certificate = {};  // intermediate certificates may follow
  std::string key = {};
  // Clients must be signed by one of these. Empty, where that is allowed:
  // clients need no certificate.
  std::string client_ca = {};

  bool empty() const {
    return certificate.empty() && key.empty() && client_ca.empty();
  }
};

// What the files held. Empty for a file that there is none of.
struct TlsMaterial {
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;
  absl::Time expires_at;  // the server's own certificate
};

enum class ClientCertificates { kRequired, kOptional };

// Reads and checks the files, so that a wrong one is named at the start and not
// by a failed handshake later. kNotFound and kPermissionDenied name the file;
// kInvalidArgument: one is missing, not PEM, or the key is another
// certificate's. `section` is the configuration's, for messages: "api", "http".
absl::StatusOr<TlsMaterial> LoadTlsFiles(absl::string_view section,
                                         const TlsFiles& files,
                                         ClientCertificates clients);

}  // namespace rehai

#endif  // CONTROLLER_API_TLS_FILES_H_
