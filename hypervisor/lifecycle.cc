// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/lifecycle.h"

#include <libvirt/libvirt.h>

namespace rehai::hypervisor {

// The host that a guest leaves says so when it stops. If it also forgets the
// guest, that is another event, which says nothing of a migration; and the host
// that it comes to has it as started or resumed.
//
// A crash that ends a guest is a stop, too; VIR_DOMAIN_EVENT_CRASHED tells of
// one that is kept to be looked at, and VIR_DOMAIN_EVENT_SHUTDOWN of one that
// has yet to stop.
GuestEvent FromLifecycle(int event, int detail) {
  switch (event) {
    case VIR_DOMAIN_EVENT_DEFINED:
    case VIR_DOMAIN_EVENT_STARTED:
    case VIR_DOMAIN_EVENT_RESUMED:
      return GuestEvent::kPresent;
    case VIR_DOMAIN_EVENT_STOPPED:
      return detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED
                 ? GuestEvent::kMigratedAway
                 : GuestEvent::kStopped;
    case VIR_DOMAIN_EVENT_UNDEFINED:
      // It keeps its UUID, under another name.
      return detail == VIR_DOMAIN_EVENT_UNDEFINED_RENAMED
                 ? GuestEvent::kChanged
                 : GuestEvent::kUndefined;
    default:
      return GuestEvent::kChanged;
  }
}

}  // namespace rehai::hypervisor
