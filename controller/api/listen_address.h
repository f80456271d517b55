// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_LISTEN_ADDRESS_H_
#define CONTROLLER_API_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai {

// Where to listen.
struct ListenAddress {
  std::string text;  // as gRPC takes it
  // Without brackets; empty for a unix socket.
  std::string host = {};
  int port = 0;
  // Other machines may be able to connect: not a loopback address, not a unix
  // socket.
  bool reachable_from_elsewhere = false;
  bool unix_socket = false;
};

// Reads host:port, [IPv6]:port or unix:/path, the value of the configuration's
// `key`. kInvalidArgument says what is wrong and how to write it.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view key,
                                                 absl::string_view text);

// kInvalidArgument: without TLS, `address` would be open to other machines. The
// keys in the message are those of `section`: "api", "http".
absl::Status CheckNotOpenToEveryone(absl::string_view section,
                                    const ListenAddress& address, bool has_tls,
                                    bool allow_plaintext_from_anywhere);

}  // namespace rehai

#endif  // CONTROLLER_API_LISTEN_ADDRESS_H_
