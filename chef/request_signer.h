// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_REQUEST_SIGNER_H_
#define CHEF_REQUEST_SIGNER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chef/rsa_key.h"

namespace rehai::chef {

// Chef's header signing protocol, versions 1.0, 1.1 and 1.3, as
// mixlib-authentication defines it.
enum class SignVersion { k1_0, k1_1, k1_3 };

// "1.3" -> k1_3. kInvalidArgument otherwise, naming the versions there are.
absl::StatusOr<SignVersion> ParseSignVersion(absl::string_view text);

// A path as it is signed: runs of slashes become one, a slash at the end goes.
// Servers check the path they were asked for, so send what this returns.
std::string CanonicalPath(absl::string_view path);

// Signs requests as one API client or user. Holds the private key; nothing here
// ever prints it. Movable; Sign() is const and thread-safe.
class RequestSigner {
 public:
  // `key_pem`: an RSA private key, PKCS#1 or PKCS#8. kInvalidArgument: not such
  // a key, too short for `version` with this name, or not a name.
  static absl::StatusOr<RequestSigner> Create(std::string client_name,
                                              absl::string_view key_pem,
                                              SignVersion version);

  // The headers to send with a request. `path` is the URL's path without query,
  // organisation included. kInvalidArgument: the method is too long for the key
  // (1.0 and 1.1 only); kInternal: OpenSSL failed.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Sign(
      absl::string_view method, absl::string_view path, absl::string_view body,
      absl::Time now) const;

  const std::string& client_name() const { return client_name_; }

 private:
  RequestSigner(std::string client_name, SignVersion version, EvpPkeyPtr key)
      : client_name_(std::move(client_name)),
        version_(version),
        key_(std::move(key)) {}

  std::string client_name_;
  SignVersion version_;
  EvpPkeyPtr key_;
};

}  // namespace rehai::chef

#endif  // CHEF_REQUEST_SIGNER_H_
