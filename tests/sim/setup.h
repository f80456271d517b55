// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_SETUP_H_
#define TESTS_SIM_SETUP_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chef/rendering.h"
#include "controller/sync/server_limits.h"
#include "tests/sim/scheduler.h"

namespace rehai::sim {

// A run may have much of one thing and little of all else, so that what is rare
// elsewhere happens in nearly each.
enum class Focus {
  kAll,       // everything, as it comes
  kMoves,     // guests move, to hosts that are slow
  kRaces,     // others save nodes just when they are written
  kRestarts,  // the controller dies and begins again, with its state
  kAgents,    // every host has an agent, and their sessions break
};

// Of a focus, the word that flags have for it; nullopt: there is none such.
inline std::optional<Focus> FocusNamed(absl::string_view word) {
  if (word == "all") return Focus::kAll;
  if (word == "moves") return Focus::kMoves;
  if (word == "races") return Focus::kRaces;
  if (word == "restarts") return Focus::kRestarts;
  if (word == "agents") return Focus::kAgents;
  return std::nullopt;
}

// How one run is set up: what there is, and what goes wrong in it.
struct Setup {
  explicit Setup(Dice& dice, Focus focus = Focus::kAll) {
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
    keeps_state = dice.Chance(0.85);
    agents = dice.Chance(0.5);
    calm_of = dice.Between(absl::Milliseconds(300), absl::Seconds(4));
    lasts = dice.Between(absl::Minutes(2), absl::Minutes(7));
    renderings.kvm_extensions = dice.Chance(0.3);
    renderings.ohai_libvirt = dice.Chance(0.3);
    limits.requests_per_second = 5 + dice.Pick(45);
    limits.request_burst = 10 + dice.Pick(90);
    limits.max_in_flight = 1 + dice.Pick(8);
    stumbles = dice.Chance(0.5);
    if (focus != Focus::kAll) LookAt(focus);
  }

  void LookAt(Focus focus) {
    hosts = 3;
    storms = hands = identities = joins = false;
    crashes = focus == Focus::kRestarts;
    clock_jumps = focus == Focus::kRestarts;
    keeps_state = true;
    sick_hosts = focus == Focus::kMoves;
    agents = focus == Focus::kAgents;
    switch (focus) {
      case Focus::kAll:
        break;
      case Focus::kMoves:
        moves = 0.6;
        slow_moves = 0.8;
        calm_of = absl::Seconds(2);
        break;
      case Focus::kRaces:
        raced = 0.4;
        calm_of = absl::Seconds(8);
        break;
      case Focus::kRestarts:
        restarts = 0.15;
        break;
      case Focus::kAgents:
        have_agents = 1;
        break;
    }
  }

  int hosts;
  double lost_events;  // the share
  bool storms;         // Chef has bad times
  bool crashes;        // of the controller
  bool sick_hosts;     // down, hung, slow, listing nothing
  bool messages;       // chef-client tells the controller of its runs
  bool hands;          // people edit nodes
  bool clock_jumps;    // of the controller's wall clock
  bool identities;     // hosts answer with another UUID
  bool joins;          // hosts leave discovery and come back
  bool keeps_state;    // over the controller's restarts
  bool agents;         // some hosts have one, and some of these no URI
  bool stumbles;       // now and then, one request of Chef's is refused
  // Shares: of hosts with agents, of deeds that are moves or restarts, of moves
  // to a host that is slow then, of writes that another save overtakes.
  double have_agents = 0.6;
  double moves = 0.2;
  double restarts = 0.02;
  double slow_moves = 0.3;
  double raced = 0.04;
  absl::Duration calm_of;  // between two deeds, about
  absl::Duration lasts;    // until all becomes quiet
  chef::RenderingOptions renderings;
  ServerLimits limits;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_SETUP_H_
