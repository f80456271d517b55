// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_NAMED_HOSTS_H_
#define CONTROLLER_API_NAMED_HOSTS_H_

#include <string>

#include "absl/status/status.h"
#include "controller/inventory/inventory.h"
#include "rehai/v1/fleet.pb.h"

// What is said to who names a host that there is not.
namespace rehai {

// kInvalidArgument: the field `node` is empty; kNotFound: the fleet has no such
// host.
absl::Status CheckNode(const std::string& node, const Inventory& inventory);

// kNotFound names the first host of the selector that is not in the fleet.
absl::Status CheckNodes(const v1::HostSelector& selector,
                        const Inventory& inventory);

}  // namespace rehai

#endif  // CONTROLLER_API_NAMED_HOSTS_H_
