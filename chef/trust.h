// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_TRUST_H_
#define CHEF_TRUST_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rehai::chef {

// The certificates of a file and of a folder's *.crt and *.pem, as one PEM
// text; either name may be empty. Empty if both are: trust the system's.
// kInvalidArgument: a file or folder that cannot be read or holds no
// certificate; the message names it.
absl::StatusOr<std::string> LoadTrustedCertificates(
    const std::string& ca_file, const std::string& trusted_certs_dir);

// kInvalidArgument: a pin that is not "sha256//" and 32 bytes in base64. Curl
// would take the wrong ones for a file's name, and match nothing.
absl::Status CheckPins(const std::vector<std::string>& pins);

}  // namespace rehai::chef

#endif  // CHEF_TRUST_H_
