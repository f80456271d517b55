// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/client_proof.h"

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/rsa_key.h"
#include "chef/sha256.h"

namespace rehai::chef {
namespace {

constexpr char kPurpose[] = "rehai-enrolment-v1";
constexpr int kLeastBits = 2048;

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, DigestDeleter>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::StatusOr<EvpPkeyPtr> ParseRsaPublicKey(absl::string_view pem) {
  EVP_PKEY* parsed = nullptr;
  OSSL_DECODER_CTX* const decoder = OSSL_DECODER_CTX_new_for_pkey(
      &parsed, "PEM", nullptr, "RSA", EVP_PKEY_PUBLIC_KEY, nullptr, nullptr);
  const unsigned char* bytes = Bytes(pem);
  size_t size = pem.size();
  const bool decoded =
      decoder != nullptr && OSSL_DECODER_from_data(decoder, &bytes, &size) == 1;
  OSSL_DECODER_CTX_free(decoder);
  EvpPkeyPtr key(parsed);
  if (!decoded || key == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "is not an RSA public key in PEM (", TakeOpenSslError(), ")"));
  }
  if (EVP_PKEY_get_bits(key.get()) < kLeastBits) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", EVP_PKEY_get_bits(key.get()), " bits; ",
                     kLeastBits, " are the least"));
  }
  return key;
}

}  // namespace

std::string ProofText(absl::string_view node, absl::string_view challenge,
                      absl::string_view certificate_request) {
  return absl::StrCat(kPurpose, "\n", node, "\n", challenge, "\n",
                      Sha256(certificate_request));
}

absl::StatusOr<std::string> SignProof(absl::string_view private_key_pem,
                                      absl::string_view text) {
  ASSIGN_OR_RETURN(const EvpPkeyPtr key, ParseRsaPrivateKey(private_key_pem));
  const DigestContext context(EVP_MD_CTX_new());
  size_t size = 0;
  std::string signature;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr,
                         key.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, Bytes(text), text.size()) ==
          1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(),
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size, Bytes(text), text.size()) == 1) {
      signature.resize(size);
      return signature;
    }
  }
  return absl::InternalError(
      absl::StrCat("the key cannot sign (", TakeOpenSslError(), ")"));
}

absl::Status VerifyProof(absl::string_view public_key_pem,
                         absl::string_view text, absl::string_view signature) {
  ASSIGN_OR_RETURN(const EvpPkeyPtr key, ParseRsaPublicKey(public_key_pem));
  const DigestContext context(EVP_MD_CTX_new());
  const bool good =
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr,
                           key.get()) == 1 &&
      EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                       Bytes(text), text.size()) == 1;
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::PermissionDeniedError("the signature is not by this key");
}

}  // namespace rehai::chef
