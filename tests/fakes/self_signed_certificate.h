// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAKES_SELF_SIGNED_CERTIFICATE_H_
#define TESTS_FAKES_SELF_SIGNED_CERTIFICATE_H_

#include <string>

namespace rehai {

struct SelfSignedCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

// A fresh certificate, good for a day, for localhost and 127.0.0.1, or for
// `dns_name` alone if that is given. It is nobody's authority, as the ones that
// servers make for themselves often are not.
SelfSignedCertificate MakeSelfSignedCertificate(
    const std::string& dns_name = "");

}  // namespace rehai

#endif  // TESTS_FAKES_SELF_SIGNED_CERTIFICATE_H_
