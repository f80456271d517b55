// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/listen_address.h"

#include <arpa/inet.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

absl::Status Wrong(absl::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "api.listen: \"", text, "\": ", what,
      "; write HOST:PORT, [IPV6]:PORT or unix:/PATH, as 127.0.0.1:7420"));
}

// A name other than localhost is not looked up: what it means may change.
bool IsLoopback(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  in6_addr v6;
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 &&
         IN6_IS_ADDR_LOOPBACK(&v6);
}

bool IsIpv6(const std::string& host) {
  in6_addr v6;
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool IsPort(absl::string_view text) {
  int port;
  return absl::SimpleAtoi(text, &port) && port >= 0 && port <= 65535 &&
         text[0] != '+' && text[0] != '-';
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text) {
  const std::string whole(text);
  if (absl::StartsWith(text, "unix:")) {
    if (!absl::StartsWith(text, "unix:/") || text.size() < 7) {
      return Wrong(text, "the socket's path must be absolute");
    }
    // sockaddr_un has room for 108 bytes with the ending zero.
    if (text.size() - 5 > 107) {
      return Wrong(text, "the socket's path is longer than 107 bytes");
    }
    return ListenAddress{.text = whole, .unix_socket = true};
  }

  const size_t colon = whole.rfind(':');
  if (colon == std::string::npos) return Wrong(text, "no port");
  std::string host = whole.substr(0, colon);
  if (!IsPort(whole.substr(colon + 1))) {
    return Wrong(text, "the port is not a number from 0 to 65535");
  }
  if (host.empty()) {
    return Wrong(text, "no host (0.0.0.0 and [::] mean every address)");
  }
  if (host.front() == '[') {
    if (host.back() != ']' || !IsIpv6(host.substr(1, host.size() - 2))) {
      return Wrong(text, "no IPv6 address in the brackets");
    }
    host = host.substr(1, host.size() - 2);
  } else if (absl::StrContains(host, ":")) {
    return Wrong(text, "an IPv6 address stands in brackets");
  }
  return ListenAddress{.text = whole,
                       .reachable_from_elsewhere = !IsLoopback(host)};
}

}  // namespace rehai
