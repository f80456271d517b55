// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SHA256_H_
#define CHEF_SHA256_H_

#include <openssl/evp.h>

#include <string>

#include "absl/strings/string_view.h"

namespace rehai::chef {

// The 32 bytes of a text's SHA-256 (FIPS 180-4).
inline std::string Sha256(absl::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

}  // namespace rehai::chef

#endif  // CHEF_SHA256_H_
