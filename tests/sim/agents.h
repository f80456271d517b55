// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_AGENTS_H_
#define TESTS_SIM_AGENTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/source/agent_hosts.h"
#include "rehai/v1/agent.pb.h"
#include "tests/sim/hypervisors.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/strands.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// The agents that some hosts have, and their sessions with the controller. Each
// reads its host as agent/host_watch does, by the product's HostSchedule, and
// reports by its ReportBuffer; what the controller's AgentSessions does with a
// report is done here, by its AgentHosts. Their threads, gRPC and heartbeats
// are not there: a session that breaks is noticed by either side at its own
// time, and what is under way in it is lost. Not thread-safe.
class Agents {
 public:
  Agents(Hypervisors& fleet, Dice& dice, Scheduler& scheduler, Strands& strands,
         Trace& trace);
  ~Agents();

  // This host has an agent, which runs from now on.
  void Add(Hypervisors::Host& host);
  bool Has(const std::string& node) const { return agents_.contains(node); }

  // The controller begins, or is gone: null.
  void SetController(AgentHosts* controller);
  // Called when it was told something.
  void SetOnTold(absl::AnyInvocable<void()> call) {
    on_told_ = std::move(call);
  }

  // What goes wrong.
  void Break(const std::string& node);  // its session
  // The process ends and knows nothing any more; it begins again after `wait`.
  void Restart(const std::string& node, absl::Duration wait);
  // What either side says takes up to so long more, until `until`.
  void Delay(const std::string& node, absl::Duration lag, absl::Duration until);
  // Nothing of this any more.
  void Heal();

  // The host has no agent, or its agent has had a session since then and could
  // say what it wanted.
  bool IsWellSince(const std::string& node, absl::Duration since) const;

  int64_t reports() const { return reports_; }

 private:
  class Process;
  class Voice;
  // What the controller knows of an agent's reports; as KnownAgents.
  struct Known {
    int64_t epoch = 0;
    int64_t sequence = 0;
    bool is_whole = false;
  };

  // What the controller does in a session: `link` is its number. At once, on
  // its end.
  void Came(const std::string& node, int64_t link, v1::AgentHello hello);
  // `begun`: when what it reports was read.
  void Reported(const std::string& node, int64_t link, v1::AgentReport report,
                absl::Duration begun);
  void Went(const std::string& node, int64_t link, const absl::Status& why);

  Hypervisors& fleet_;
  Dice& dice_;
  Scheduler& scheduler_;
  Strands& strands_;
  Trace& trace_;
  absl::AnyInvocable<void()> on_told_;
  std::map<std::string, std::unique_ptr<Process>> agents_;  // by node

  // The controller's.
  AgentHosts* controller_ = nullptr;
  std::map<std::string, Known> known_;
  std::map<int64_t, int64_t> epochs_;  // of links that it holds for open
  int64_t last_link_ = 0;
  int64_t reports_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_AGENTS_H_
