// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_FOUND_HOST_H_
#define CONTROLLER_DISCOVERY_FOUND_HOST_H_

#include <map>
#include <string>
#include <vector>

#include "proto/ids.h"

namespace rehai {

// A hypervisor of the fleet, as it was found.
struct FoundHost {
  HostId host;
  // Empty: only its agent can tell of it.
  std::string uri;
  std::map<std::string, std::string> labels = {};
  // "config", a file's name, "chef search QUERY". For people.
  std::string found_by = {};
  // Other claims to the same node: "URI (FOUND_BY)". While there are any, it is
  // not known which hypervisor the node is of.
  std::vector<std::string> other_claims = {};

  friend bool operator==(const FoundHost&, const FoundHost&) = default;
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_FOUND_HOST_H_
