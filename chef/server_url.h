// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SERVER_URL_H_
#define CHEF_SERVER_URL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai::chef {

// Where a Chef server, or one organisation on it, is.
struct ServerUrl {
  std::string origin;  // https://chef.example.com:8443
  std::string prefix;  // /organizations/prod, or empty; canonical

  std::string ToString() const { return origin + prefix; }
};

// kInvalidArgument: not an https URL (plain http is for this machine only), or
// with a user, a query or a fragment; the message says what to write instead.
absl::StatusOr<ServerUrl> ParseServerUrl(absl::string_view text);

// True if `path` is sent just as it is: an absolute path that has no character
// to be percent-encoded, and no "." or ".." that a server would resolve.
// Signatures cover paths, and servers differ in which form they check.
bool IsPlainPath(absl::string_view path);

}  // namespace rehai::chef

#endif  // CHEF_SERVER_URL_H_
