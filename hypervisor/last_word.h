// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LAST_WORD_H_
#define HYPERVISOR_LAST_WORD_H_

#include "hypervisor/connection.h"

// What the events of one guest, taken together, say of whether it is there.
// Events are hints: they may be lost, and more of them may follow. So they
// never make a guest gone; they only corroborate a list that lacks it.
namespace rehai::hypervisor {

// The last word of a guest of which `before` was the last word, after `event`.
// kChanged says nothing, and a stop takes nothing back: one that is undefined
// or has migrated stops, too.
GuestEvent LastWord(GuestEvent before, GuestEvent event);

// True if a guest with that last word has ended being there, so that a list
// without it is no surprise. `was_persistent` as last known: one that had a
// definition does not vanish by stopping.
bool SaysGone(GuestEvent last_word, bool was_persistent);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LAST_WORD_H_
