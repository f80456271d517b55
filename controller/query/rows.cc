// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/rows.h"

#include <string>

namespace rehai::query {

void AddAddresses(const v1::Guest& guest, std::vector<IpAddress>& addresses) {
  for (const v1::Interface& interface : guest.interfaces()) {
    for (const std::string& written : interface.addresses()) {
      if (const auto address = ParseInterfaceAddress(written)) {
        addresses.push_back(*address);
      }
    }
  }
}

}  // namespace rehai::query
