// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_BRAKE_H_
#define CONTROLLER_INVENTORY_BRAKE_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/ids.h"

// What does it mean that a host does not list guests any more? Pure functions.
namespace rehai {

// When so many guests are missing at once that a broken hypervisor is likelier
// than their end. Both bounds must be passed.
struct BrakeOptions {
  // Of the guests that the host is believed to have. 1 takes the brake off.
  double share = 0.5;
  // More guests than this.
  int count = 3;
};

enum class Absence {
  kGone,
  // On its way to another host.
  kMoving,
  // The brake holds it until an operator confirms that it is gone.
  kHeld,
};

// Guests that stay in their host's record although they were not listed:
// kMoving or kHeld.
using Missing = std::map<GuestId, Absence>;

// What is known of a guest that is not listed where it was.
struct Absentee {
  bool is_moving = false;   // on its way, by what its host tells
  bool is_removed = false;  // so an event told
  bool is_active_elsewhere = false;
  bool was_held = false;
};

// What becomes of each of the guests that a host with `known` guests lacks now.
//
// - Active on another host, it is gone from here; it is so if it was removed,
//   too, unless it is on its way.
// - What is held stays held, however few are left, until one of these ends it.
// - Of the others, for whose absence nothing else speaks, all are held if they
//   and those held are more than both bounds, else they are gone.
std::vector<Absence> JudgeAbsent(const std::vector<Absentee>& absent,
                                 size_t known, const BrakeOptions& options);

// How many the brake holds.
size_t CountHeld(const Missing& missing);

// For people: what the brake holds, since when, and what to do.
std::string MassDisappearanceMessage(const std::string& node, size_t held,
                                     size_t known, absl::Time since);

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_BRAKE_H_
