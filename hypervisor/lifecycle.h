// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIFECYCLE_H_
#define HYPERVISOR_LIFECYCLE_H_

#include "hypervisor/connection.h"

namespace rehai::hypervisor {

// What libvirt's lifecycle event says beside that the guest has changed.
// `event` is a virDomainEventType, `detail` that event's own detail; numbers
// that this libvirt does not know are a change like any other.
GuestEvent FromLifecycle(int event, int detail);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIFECYCLE_H_
