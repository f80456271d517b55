// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rsa_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rehai::chef {
namespace {

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};

// OpenSSL would otherwise ask for a passphrase on the terminal.
int NoPassphrase(char* buffer, int size, int writing, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

absl::StatusOr<EvpPkeyPtr> ParseRsaPrivateKey(absl::string_view pem) {
  if (pem.size() > std::numeric_limits<int>::max()) {
    return absl::InvalidArgumentError("is far too large for a key");
  }
  std::unique_ptr<BIO, BioDeleter> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool asked = false;
  EvpPkeyPtr key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, &asked));
  if (asked) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "is encrypted; give a key without a passphrase (openssl rsa -in OLD "
        "-out NEW)");
  }
  if (key == nullptr) {
    if (absl::StrContains(pem, "PUBLIC KEY-----")) {
      ERR_clear_error();
      return absl::InvalidArgumentError(
          "is a public key; the private one is needed");
    }
    return absl::InvalidArgumentError(
        absl::StrCat("is not a private key in PEM (", TakeOpenSslError(), ")"));
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    const char* const type = EVP_PKEY_get0_type_name(key.get());
    return absl::InvalidArgumentError(
        absl::StrCat("is a key of type ", type == nullptr ? "unknown" : type,
                     "; Chef's requests are signed with RSA keys"));
  }
  return key;
}

void Wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

std::string TakeOpenSslError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "OpenSSL gave no reason";
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? absl::StrCat("OpenSSL error ", code) : reason;
}

}  // namespace rehai::chef
