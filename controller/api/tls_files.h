// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_TLS_FILES_H_
#define CONTROLLER_API_TLS_FILES_H_

#include <string>

#include "absl/status/statusor.h"

namespace rehai {

// Where mutual TLS has its PEM files. All three, or none for plaintext.
struct TlsFiles {
  std::string certificate;  // may be followed by intermediate certificates
  std::string key;
  std::string client_ca;  // clients must be signed by one of these

  bool empty() const {
    return certificate.empty() && key.empty() && client_ca.empty();
  }
};

// What the files held.
struct TlsMaterial {
  std::string certificate_pem;
  std::string key_pem;
  std::string client_ca_pem;
};

// Reads and checks the files, so that a wrong one is named at the start and not
// by a failed handshake later. kNotFound and kPermissionDenied name the file;
// kInvalidArgument: one is missing, not PEM, or the key is another
// certificate's.
absl::StatusOr<TlsMaterial> LoadTlsFiles(const TlsFiles& files);

}  // namespace rehai

#endif  // CONTROLLER_API_TLS_FILES_H_
