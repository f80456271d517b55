// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_RECORD_H_
#define CONTROLLER_INVENTORY_RECORD_H_

#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

// Questions that a Record and its guests answer by themselves.
namespace rehai {

// The condition of a host that its source cannot reach.
inline constexpr char kUnreachable[] = "Unreachable";

// True if the guest has a running instance, paused or suspended ones included.
bool IsActive(const v1::Guest& guest);

// The guest inside `record`, or null.
const v1::Guest* FindGuest(const v1::Record& record, const GuestId& guest);

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_RECORD_H_
