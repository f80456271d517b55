// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_REQUEST_SIGNER_H_
#define CHEF_REQUEST_SIGNER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai::chef {

// Chef's header signing protocol, versions 1.0, 1.1 and 1.3, as
// mixlib-authentication defines it.
enum class SignVersion { k1_0, k1_1, k1_3 };

// "1.3" -> k1_3. kInvalidArgument otherwise, naming the versions there are.
absl::StatusOr<SignVersion> ParseSignVersion(absl::string_view text);

// Signs requests as one API client or user. Holds the private key; nothing here
// ever prints it. Movable; Sign() is const and thread-safe.
class RequestSigner {
 public:
  // `key_pem`: an RSA private key, PKCS#1 or PKCS#8. kInvalidArgument: not such
  // a key, or too short for `version` with this name.
  static absl::StatusOr<RequestSigner> Create(std::string client_name,
                                              absl::string_view key_pem,
                                              SignVersion version);

  RequestSigner(RequestSigner&&) noexcept;
  RequestSigner& operator=(RequestSigner&&) noexcept;
  ~RequestSigner();

  // The headers to send with a request. `path` is the URL's path without query,
  // organisation included.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Sign(
      absl::string_view method, absl::string_view path, absl::string_view body,
      absl::Time now) const;

  const std::string& client_name() const { return client_name_; }

 private:
  struct Key;
  RequestSigner(std::string client_name, SignVersion version,
                std::unique_ptr<Key> key);

  std::string client_name_;
  SignVersion version_;
  std::unique_ptr<Key> key_;
};

}  // namespace rehai::chef

#endif  // CHEF_REQUEST_SIGNER_H_
