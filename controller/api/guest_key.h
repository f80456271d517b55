// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_GUEST_KEY_H_
#define CONTROLLER_API_GUEST_KEY_H_

#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai {

// The guest that the request's key means, by the inventory's indexes.
// kInvalidArgument: there is no key, or it is none of its kind; kNotFound: no
// host has such a guest; kFailedPrecondition: several have.
absl::StatusOr<GuestLocation> FindByKey(const v1::GetGuestRequest& request,
                                        const Inventory& inventory);

}  // namespace rehai

#endif  // CONTROLLER_API_GUEST_KEY_H_
