// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/rsa_key_pair.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>

namespace rehai {
namespace {

template <typename Write>
std::string ToPem(Write write) {
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()),
                                                    BIO_free_all);
  write(bio.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, size);
}

}  // namespace

RsaKeyPair MakeRsaKeyPair(int bits) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_RSA_gen(static_cast<unsigned int>(bits)), EVP_PKEY_free);
  return {.private_pkcs1 = ToPem([&](BIO* bio) {
            PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr,
                                                 nullptr, 0, nullptr, nullptr);
          }),
          .private_pkcs8 = ToPem([&](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0,
                                     nullptr, nullptr);
          }),
          .public_pem =
              ToPem([&](BIO* bio) { PEM_write_bio_PUBKEY(bio, key.get()); })};
}

}  // namespace rehai
