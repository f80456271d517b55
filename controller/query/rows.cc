// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/rows.h"

#include <string>

namespace rehai::query {

void AddAddresses(const v1::Guest& guest, std::vector<IpAddress>& addresses) {
  for (const v1::Interface& interface : guest.interfaces()) {
    for (const std::string& written : interface.addresses()) {
      // As libvirt has it, with the length of its network's prefix.
      if (const auto prefix = ParseIpPrefix(written)) {
        addresses.push_back(prefix->address);
      }
    }
  }
}

}  // namespace rehai::query
