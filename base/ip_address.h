// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_IP_ADDRESS_H_
#define BASE_IP_ADDRESS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace rehai {

// An IPv4 or IPv6 address, however it was written.
struct IpAddress {
  bool is_v6 = false;
  std::array<uint8_t, 16> bytes = {};  // IPv4: the first four

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& address) {
    return H::combine(std::move(h), address.is_v6, address.bytes);
  }
};

// All addresses that begin with the first `length` bits of `address`.
struct IpPrefix {
  IpAddress address;
  int length = 0;  // 0 to 32, or to 128

  bool Contains(const IpAddress& other) const;
  // True if it is one address alone.
  bool IsAddress() const { return length == (address.is_v6 ? 128 : 32); }
};

// "10.0.0.7", "fe80::1"; nullopt for anything else. Allocates nothing.
std::optional<IpAddress> ParseIpAddress(absl::string_view text);

// An interface's, as libvirt has it: "10.0.0.7/24", or without the length of
// its network's prefix. What follows the / is not looked at.
std::optional<IpAddress> ParseInterfaceAddress(absl::string_view text);

// "10.0.0.0/24", or an address alone, which is a prefix of its whole length.
std::optional<IpPrefix> ParseIpPrefix(absl::string_view text);

}  // namespace rehai

#endif  // BASE_IP_ADDRESS_H_
