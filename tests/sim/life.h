// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_LIFE_H_
#define TESTS_SIM_LIFE_H_

#include <cstdint>
#include <string>

#include "tests/sim/beliefs.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace rehai::sim {

// What people, hosts and chance do to the world, one deed after the other, by
// the dice. Not thread-safe.
class Life {
 public:
  // Outlived by both.
  Life(World& world, Beliefs& beliefs);

  // The fleet as it is found at first, with chef-clients that run from here on.
  void Prepare();
  void Begin();
  // A last change on each host, and nothing is done any more.
  void Rest();
  // All that is wrong is made well.
  void Heal();

  int64_t moves() const { return moves_; }

 private:
  using Host = Hypervisors::Host;

  void Live();
  void DoSomething();
  void Restart();
  void DoToGuest();
  void ChangeState(Host& host, const std::string& uuid);
  // One change soon after the other, so that one of them may come while the
  // other is read or written.
  void ChangeTwice(Host& host, const std::string& uuid);
  void DoToHost();
  void DoToAgent(Host& host);
  void DoToChef();
  void Storms();
  void Runs(const std::string& node);
  void TryMove(Host& from, const std::string& uuid);
  void Move(Host& from, Host& to, const std::string& uuid);
  Host& AnyHost();
  std::string AnyGuest(const Host& host);
  std::string NewUuid();

  World& world_;
  Beliefs& beliefs_;
  Dice& dice_;
  Scheduler& scheduler_;
  Trace& trace_;
  Hypervisors& fleet_;
  ChefServer& chef_;
  bool is_lively_ = true;
  int last_guest_ = 0;
  int64_t moves_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_LIFE_H_
