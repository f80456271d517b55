// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/ip_address.h"

#include <arpa/inet.h>

#include <cstring>

#include "absl/strings/numbers.h"

namespace rehai {

bool IpPrefix::Contains(const IpAddress& other) const {
  if (other.is_v6 != address.is_v6) return false;
  const int whole = length / 8;
  if (std::memcmp(address.bytes.data(), other.bytes.data(), whole) != 0) {
    return false;
  }
  if (length % 8 == 0) return true;
  const int rest = 8 - length % 8;
  return address.bytes[whole] >> rest == other.bytes[whole] >> rest;
}

std::optional<IpAddress> ParseIpAddress(absl::string_view text) {
  // inet_pton() wants an end; none that it takes is longer.
  char written[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof(written) ||
      text.find('\0') != absl::string_view::npos) {
    return std::nullopt;
  }
  std::memcpy(written, text.data(), text.size());
  written[text.size()] = '\0';
  IpAddress address;
  address.is_v6 = text.find(':') != absl::string_view::npos;
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, written, address.bytes.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::optional<IpAddress> ParseInterfaceAddress(absl::string_view text) {
  return ParseIpAddress(text.substr(0, text.find('/')));
}

std::optional<IpPrefix> ParseIpPrefix(absl::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<IpAddress> address =
      ParseIpAddress(text.substr(0, slash));
  if (!address.has_value()) return std::nullopt;
  IpPrefix prefix{.address = *address, .length = address->is_v6 ? 128 : 32};
  if (slash == absl::string_view::npos) return prefix;
  int length = 0;
  if (!absl::SimpleAtoi(text.substr(slash + 1), &length) || length < 0 ||
      length > prefix.length) {
    return std::nullopt;
  }
  prefix.length = length;
  return prefix;
}

}  // namespace rehai
