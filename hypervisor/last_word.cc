// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/last_word.h"

namespace rehai::hypervisor {

GuestEvent LastWord(GuestEvent before, GuestEvent event) {
  if (event == GuestEvent::kChanged) return before;
  const bool has_ended =
      before == GuestEvent::kUndefined || before == GuestEvent::kMigratedAway;
  return event == GuestEvent::kStopped && has_ended ? before : event;
}

bool SaysGone(GuestEvent last_word, bool was_persistent) {
  switch (last_word) {
    case GuestEvent::kChanged:
    case GuestEvent::kPresent:
      return false;
    case GuestEvent::kStopped:
      return !was_persistent;
    case GuestEvent::kUndefined:
    case GuestEvent::kMigratedAway:
      return true;
  }
  return false;
}

}  // namespace rehai::hypervisor
