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

// The configuration's key and what it was given.
struct Setting {
  absl::string_view key;
  absl::string_view text;
};

absl::Status Wrong(const Setting& setting, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      setting.key, ": \"", setting.text, "\": ", what,
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

bool ReadPort(absl::string_view text, int& port) {
  return absl::SimpleAtoi(text, &port) && port >= 0 && port <= 65535 &&
         text[0] != '+' && text[0] != '-';
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view key,
                                                 absl::string_view text) {
  const Setting setting{key, text};
  const std::string whole(text);
  if (absl::StartsWith(text, "unix:")) {
    if (!absl::StartsWith(text, "unix:/") || text.size() < 7) {
      return Wrong(setting, "the socket's path must be absolute");
    }
    // sockaddr_un has room for 108 bytes with the ending zero.
    if (text.size() - 5 > 107) {
      return Wrong(setting, "the socket's path is longer than 107 bytes");
    }
    return ListenAddress{.text = whole, .unix_socket = true};
  }

  const size_t colon = whole.rfind(':');
  if (colon == std::string::npos) return Wrong(setting, "no port");
  std::string host = whole.substr(0, colon);
  int port = 0;
  if (!ReadPort(whole.substr(colon + 1), port)) {
    return Wrong(setting, "the port is not a number from 0 to 65535");
  }
  if (host.empty()) {
    return Wrong(setting, "no host (0.0.0.0 and [::] mean every address)");
  }
  if (host.front() == '[') {
    if (host.back() != ']' || !IsIpv6(host.substr(1, host.size() - 2))) {
      return Wrong(setting, "no IPv6 address in the brackets");
    }
    host = host.substr(1, host.size() - 2);
  } else if (absl::StrContains(host, ":")) {
    return Wrong(setting, "an IPv6 address stands in brackets");
  }
  return ListenAddress{.text = whole,
                       .host = host,
                       .port = port,
                       .reachable_from_elsewhere = !IsLoopback(host)};
}

absl::Status CheckNotOpenToEveryone(absl::string_view section,
                                    const ListenAddress& address, bool has_tls,
                                    bool allow_plaintext_from_anywhere) {
  if (has_tls || allow_plaintext_from_anywhere ||
      !address.reachable_from_elsewhere) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      section, ".listen: \"", address.text,
      "\" is reachable from other machines and there is no TLS; set ", section,
      ".tls, listen on a loopback address, as 127.0.0.1, or set ", section,
      ".allow_plaintext_from_anywhere"));
}

}  // namespace rehai
