// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_LIST_DIFFERENCE_H_
#define CONTROLLER_SOURCE_LIST_DIFFERENCE_H_

#include <vector>

#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// How a complete list of guests differs from what was believed. Each in the
// order of the UUIDs.
struct ListDifference {
  // Guests of the record that the list does not have, those included that the
  // list before it lacked already.
  std::vector<GuestId> lacking;
  // Guests with a change of which libvirt tells by an event: they appeared,
  // were lacking for the first time, or have another state, runtime id or name.
  // Changes of definition alone are left out: some have no event (autostart).
  std::vector<GuestId> eventful;
};

// `seen` is a full observation. Guests that it could not read are not lacking.
ListDifference CompareLists(const v1::Record& before,
                            const v1::Observation& seen);

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_LIST_DIFFERENCE_H_
