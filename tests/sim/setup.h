// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_SETUP_H_
#define TESTS_SIM_SETUP_H_

#include "absl/time/time.h"
#include "chef/rendering.h"
#include "controller/sync/server_limits.h"
#include "tests/sim/scheduler.h"

namespace rehai::sim {

// How one run is set up: what there is, and what goes wrong in it.
struct Setup {
  explicit Setup(Dice& dice) {
    hosts = 3 + dice.Pick(dice.Chance(0.2) ? 18 : 5);
    lost_events = dice.Chance(0.5) ? 0.05 : 0;
    storms = dice.Chance(0.6);
    crashes = dice.Chance(0.4);
    sick_hosts = dice.Chance(0.6);
    messages = dice.Chance(0.6);
    hands = dice.Chance(0.4);
    clock_jumps = dice.Chance(0.2);
    identities = dice.Chance(0.2);
    joins = dice.Chance(0.3);
    calm_of = dice.Between(absl::Milliseconds(300), absl::Seconds(4));
    lasts = dice.Between(absl::Minutes(2), absl::Minutes(7));
    renderings.kvm_extensions = dice.Chance(0.3);
    renderings.ohai_libvirt = dice.Chance(0.3);
    limits.requests_per_second = 5 + dice.Pick(45);
    limits.request_burst = 10 + dice.Pick(90);
    limits.max_in_flight = 1 + dice.Pick(8);
  }

  int hosts;
  double lost_events;      // the share
  bool storms;             // Chef has bad times
  bool crashes;            // of the controller
  bool sick_hosts;         // down, hung, slow, listing nothing
  bool messages;           // chef-client tells the controller of its runs
  bool hands;              // people edit nodes
  bool clock_jumps;        // of the controller's wall clock
  bool identities;         // hosts answer with another UUID
  bool joins;              // hosts leave discovery and come back
  absl::Duration calm_of;  // between two deeds, about
  absl::Duration lasts;    // until all becomes quiet
  chef::RenderingOptions renderings;
  ServerLimits limits;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_SETUP_H_
