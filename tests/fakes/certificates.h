// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_CERTIFICATES_H_
#define TESTS_FAKES_CERTIFICATES_H_

#include <string>

#include "absl/time/time.h"

namespace rehai {

struct TestAuthority {
  std::string certificate_pem;
  std::string key_pem;
};

// A fresh authority on P-256 whose certificate is good from an hour before
// `now` to `now` + `lifetime`.
TestAuthority MakeTestAuthority(absl::Time now,
                                absl::Duration lifetime = absl::Hours(24));

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

// A certificate for a TLS client, with the subject alternative names that
// openssl reads from `names` ("URI:rehai:node:hv1,DNS:hv1"), for a fresh key.
// Good from an hour before `now` to `now` + `lifetime`.
TestCertificate MakeTestCertificate(const TestAuthority& authority,
                                    const std::string& names, absl::Time now,
                                    absl::Duration lifetime = absl::Hours(24));

struct TestRequest {
  std::string der;  // PKCS #10
  std::string key_pem;
};

// A request for a fresh key on `curve`, in the common name `name`.
TestRequest MakeTestRequest(const std::string& name,
                            const std::string& curve = "P-256");

// What openssl prints of the first certificate in `pem`.
std::string Printed(const std::string& pem);

// True if `pem`'s first certificate is signed by the authority and good at
// `time` for a TLS client.
bool Verifies(const std::string& pem, const std::string& authority_pem,
              absl::Time time);

}  // namespace rehai

#endif  // TESTS_FAKES_CERTIFICATES_H_
