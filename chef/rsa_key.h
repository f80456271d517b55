// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_RSA_KEY_H_
#define CHEF_RSA_KEY_H_

#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Private keys as OpenSSL holds them. Nothing here ever prints key material.
namespace rehai::chef {

struct EvpPkeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using EvpPkeyPtr = std::unique_ptr<EVP_PKEY, EvpPkeyDeleter>;

// An RSA private key from PEM text, PKCS#1 or PKCS#8. kInvalidArgument: no such
// key; the message has no subject, and says what the text is instead.
absl::StatusOr<EvpPkeyPtr> ParseRsaPrivateKey(absl::string_view pem);

// Overwrites and empties a text that held a key.
void Wipe(std::string& secret);

// OpenSSL's own words about this thread's last failure. Clears them.
std::string TakeOpenSslError();

}  // namespace rehai::chef

#endif  // CHEF_RSA_KEY_H_
