// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_SIGNATURE_CHECK_H_
#define TESTS_FAKES_SIGNATURE_CHECK_H_

#include <openssl/evp.h>

#include <functional>
#include <memory>
#include <string>

namespace rehai::chef {

// The public half of a client's key.
using PublicKey = std::shared_ptr<EVP_PKEY>;

// Null if `pem` is not a public key.
PublicKey ParsePublicKey(const std::string& pem);

// What a Chef server looks at to know who sent a request.
struct SignedParts {
  std::string method;
  std::string path;
  std::string body;
  // The value of a header; empty if it is absent.
  std::function<std::string(const std::string& name)> header;
};

// Whether the request is signed with `key`, by protocol 1.0, 1.1 or 1.3 as its
// headers say. A server's half of the protocol, written apart from
// RequestSigner so that a mistake in one does not hide in the other. Does not
// look at the time.
bool SignatureIsGood(const SignedParts& request, const PublicKey& key);

}  // namespace rehai::chef

#endif  // TESTS_FAKES_SIGNATURE_CHECK_H_
