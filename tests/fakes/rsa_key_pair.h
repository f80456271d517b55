// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_RSA_KEY_PAIR_H_
#define TESTS_FAKES_RSA_KEY_PAIR_H_

#include <string>

namespace rehai {

// A fresh RSA key for a test, in the forms that Chef's servers hand out and
// take.
struct RsaKeyPair {
  std::string private_pkcs1;  // BEGIN RSA PRIVATE KEY
  std::string private_pkcs8;  // BEGIN PRIVATE KEY
  std::string public_pem;     // BEGIN PUBLIC KEY
};

// Takes tenths of a second at 2048 bits, seconds at 4096.
RsaKeyPair MakeRsaKeyPair(int bits = 2048);

}  // namespace rehai

#endif  // TESTS_FAKES_RSA_KEY_PAIR_H_
