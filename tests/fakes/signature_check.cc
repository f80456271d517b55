// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/signature_check.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rehai::chef {
namespace {

using ContextPtr = std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)>;

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Hash(const char* algorithm, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  size_t size = 0;
  EVP_Q_digest(nullptr, algorithm, nullptr, text.data(), text.size(), digest,
               &size);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<char*>(digest), size));
}

std::string ReceivedSignature(const SignedParts& request) {
  std::string encoded;
  for (int line = 1;; ++line) {
    const std::string part =
        request.header(absl::StrCat("X-Ops-Authorization-", line));
    if (part.empty()) break;
    encoded += part;
  }
  std::string signature;
  absl::Base64Unescape(encoded, &signature);
  return signature;
}

bool IsVersion13(const SignedParts& request, const std::string& signature,
                 EVP_PKEY* key) {
  const std::string text =
      absl::StrCat("Method:", request.method, "\nPath:", request.path,
                   "\nX-Ops-Content-Hash:", Hash("SHA256", request.body),
                   "\nX-Ops-Sign:version=1.3",
                   "\nX-Ops-Timestamp:", request.header("X-Ops-Timestamp"),
                   "\nX-Ops-UserId:", request.header("X-Ops-Userid"),
                   "\nX-Ops-Server-API-Version:",
                   request.header("X-Ops-Server-API-Version"));
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(
      EVP_MD_CTX_new(), EVP_MD_CTX_free);
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr,
                              key) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                          Bytes(text), text.size()) == 1;
}

bool IsVersion1(const SignedParts& request, const std::string& signature,
                EVP_PKEY* key, bool hash_name) {
  const std::string name = request.header("X-Ops-Userid");
  const std::string text = absl::StrCat(
      "Method:", request.method, "\nHashed Path:", Hash("SHA1", request.path),
      "\nX-Ops-Content-Hash:", Hash("SHA1", request.body),
      "\nX-Ops-Timestamp:", request.header("X-Ops-Timestamp"),
      "\nX-Ops-UserId:", hash_name ? Hash("SHA1", name) : name);
  const ContextPtr context(EVP_PKEY_CTX_new(key, nullptr), EVP_PKEY_CTX_free);
  std::string recovered(EVP_PKEY_get_size(key), '\0');
  size_t size = recovered.size();
  if (EVP_PKEY_verify_recover_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_verify_recover(
          context.get(), reinterpret_cast<unsigned char*>(recovered.data()),
          &size, Bytes(signature), signature.size()) != 1) {
    return false;
  }
  recovered.resize(size);
  return recovered == text;
}

}  // namespace

PublicKey ParsePublicKey(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  PublicKey key(PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr),
                EVP_PKEY_free);
  BIO_free(bio);
  return key;
}

bool SignatureIsGood(const SignedParts& request, const PublicKey& key) {
  const std::string signature = ReceivedSignature(request);
  const std::string description = request.header("X-Ops-Sign");
  bool good = false;
  if (absl::StrContains(description, "version=1.3")) {
    good =
        request.header("X-Ops-Content-Hash") == Hash("SHA256", request.body) &&
        IsVersion13(request, signature, key.get());
  } else if (absl::StrContains(description, "version=1.1") ||
             absl::StrContains(description, "version=1.0")) {
    good = request.header("X-Ops-Content-Hash") == Hash("SHA1", request.body) &&
           IsVersion1(request, signature, key.get(),
                      absl::StrContains(description, "version=1.1"));
  }
  ERR_clear_error();
  return good;
}

}  // namespace rehai::chef
