// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_CHEF_CLIENTS_H_
#define TESTS_SIM_CHEF_CLIENTS_H_

#include <map>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// A node as somebody may have made it: numbers in all their spellings, fields
// that nobody knows, members twice.
std::string MadeUpNode(const std::string& name, const std::string& ohai_time,
                       Dice& dice);

// The hosts' chef-clients. A run reads its node at its start and saves over
// everything at its end, seconds later; and tells the controller of both, if it
// is told to, in messages that get lost or come late.
class ChefClients {
 public:
  // Where messages go: the body of each. False: nobody was there.
  using Listener = absl::AnyInvocable<bool(const std::string& body)>;

  ChefClients(ChefServer& server, Dice& dice, Scheduler& scheduler,
              Trace& trace, Listener listener);

  // Begins a run on the host, if none is under way.
  void BeginRun(const std::string& node, bool reports);
  // The controller has just read the node: a run that is under way may well
  // save before its PUT.
  void Tempt(const std::string& node);

 private:
  struct Run {
    std::string node;
    std::string id;
    std::string started_at;
    std::string read;
    bool reports = false;
  };

  // Ends the host's run of this id, if it is still under way.
  void EndRun(const std::string& node, const std::string& id);
  void Report(const std::string& node, absl::Duration after,
              std::string message, const std::string& saved_ohai_time);
  std::string OhaiTime(const std::string& node) const;

  ChefServer& server_;
  Dice& dice_;
  Scheduler& scheduler_;
  Trace& trace_;
  Listener listener_;
  std::map<std::string, Run> runs_;  // under way, by node
  int last_run_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_CHEF_CLIENTS_H_
