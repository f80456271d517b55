// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_WORLD_H_
#define TESTS_SIM_WORLD_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "controller/discovery/found_host.h"
#include "controller/inventory/inventory.h"
#include "controller/state/null_store.h"
#include "controller/state/store.h"
#include "tests/sim/agents.h"
#include "tests/sim/chef_clients.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/controller_under_test.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/setup.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/strands.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// All there is in one run: the hypervisors, Chef and its clients, discovery,
// and the controller among them, which dies and begins again; and the time that
// passes for all of them alike. Who does what to whom is Life's, what must hold
// is the judges'. Not thread-safe.
class World {
 public:
  World(uint64_t seed, Focus focus, bool keeps_lines);
  // Ends the controller, and everything that is under way.
  ~World();

  Dice& dice() { return dice_; }
  Scheduler& scheduler() { return scheduler_; }
  const Setup& setup() const { return setup_; }
  Trace& trace() { return trace_; }
  Hypervisors& fleet() { return fleet_; }
  ChefServer& chef() { return chef_; }
  ChefClients& clients() { return clients_; }
  Agents& agents() { return agents_; }

  // Time.
  absl::Duration now() const { return scheduler_.now(); }
  // Everything that is due happens, until then or until a promise is broken.
  void RunFor(absl::Duration time);
  // A promise is broken.
  bool IsOver() const { return trace_.broken().has_value(); }
  void JumpWallClock(absl::Duration by);
  absl::Duration jumped_at() const { return jumped_at_; }

  // The controller; null while it is dead.
  ControllerUnderTest* controller() { return controller_.get(); }
  // Begins with what the last one kept.
  void Boot();
  // It dies at once: what it put last is not kept.
  void Crash();
  // It is stopped in order.
  void Stop();
  absl::Duration booted_at() const { return booted_at_; }
  int64_t crashes() const { return crashes_; }
  // Its workers have something to do.
  void WakeSource() { source_is_due_ = true; }
  // Called with what it believes, when it begins with nothing that is kept, and
  // when it has ended.
  void SetOnChange(absl::AnyInvocable<void(const Change&)> call) {
    on_change_ = std::move(call);
  }
  void SetOnAnew(absl::AnyInvocable<void()> call) {
    on_anew_ = std::move(call);
  }
  void SetOnEnd(absl::AnyInvocable<void()> call) { on_end_ = std::move(call); }

  // Discovery.
  bool IsDiscovered(const std::string& node) const {
    return discovered_.contains(node);
  }
  int discovered() const { return static_cast<int>(discovered_.size()); }
  // Only its agent can tell of it. Before it joins.
  void HideUri(const std::string& node) { without_uri_.insert(node); }
  void Join(const std::string& node);
  void Leave(const std::string& node);
  // Tells the controller.
  void TellDiscovered();

  // Something is wrong with Chef until then, or its after-effects are.
  void NoteTrouble(absl::Duration until);
  void SetTrouble(absl::Duration until) { trouble_until_ = until; }
  bool WasChefWellSince(absl::Duration time) const {
    return time > trouble_until_;
  }
  // The host could have been read at any time since then.
  bool IsReadable(const Hypervisors::Host& host, absl::Duration since) const;

 private:
  void Settle();
  bool RunOne();
  // Its parts stop and are gone. `in_order`: what they know is kept.
  void End(bool in_order);
  void TickSource();
  std::vector<FoundHost> Found() const;
  bool Hear(const std::string& body);

  Dice dice_;
  Scheduler scheduler_;
  const Setup setup_;
  Trace trace_;
  Strands strands_;
  Hypervisors fleet_;
  Agents agents_;
  ChefServer chef_;
  ChefClients clients_;
  SimStore store_;
  NullStore nothing_kept_;
  // Each is kept after its crash, as its requests may still be under way.
  std::vector<std::unique_ptr<ChefServer::Client>> dead_clients_;
  std::unique_ptr<ControllerUnderTest> controller_;
  std::set<std::string> discovered_;
  std::set<std::string> without_uri_;
  absl::AnyInvocable<void(const Change&)> on_change_;
  absl::AnyInvocable<void()> on_anew_;
  absl::AnyInvocable<void()> on_end_;

  absl::Duration source_next_ = absl::ZeroDuration();
  bool source_is_due_ = true;
  int64_t ticks_ended_ = 0;
  absl::Duration booted_at_;
  absl::Duration trouble_until_ = -absl::InfiniteDuration();
  absl::Duration jumped_at_ = -absl::InfiniteDuration();
  absl::Time latest_wall_ = absl::InfinitePast();
  int64_t crashes_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_WORLD_H_
