// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/lifecycle.h"

#include <libvirt/libvirt.h>

namespace rehai::hypervisor {

// The host that a guest leaves says so when it stops. If it also forgets the
// guest, that is another event, which says nothing of a migration; and the host
// that it comes to has it as started or resumed.
GuestEvent FromLifecycle(int event, int detail) {
  return event == VIR_DOMAIN_EVENT_STOPPED &&
                 detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED
             ? GuestEvent::kMigratedAway
             : GuestEvent::kChanged;
}

}  // namespace rehai::hypervisor
