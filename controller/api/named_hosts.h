// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_NAMED_HOSTS_H_
#define CONTROLLER_API_NAMED_HOSTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "rehai/v1/fleet.pb.h"

// What is said to who names a host that there is not.
namespace rehai {

// The host that a request's field `node` names. kInvalidArgument: it is empty;
// kNotFound: the fleet has no such host.
absl::StatusOr<RecordPtr> FindNamed(const std::string& node,
                                    const Inventory& inventory);

// kNotFound names the first host of the selector that is not in the fleet.
absl::Status CheckNodes(const v1::HostSelector& selector,
                        const Inventory& inventory);

}  // namespace rehai

#endif  // CONTROLLER_API_NAMED_HOSTS_H_
