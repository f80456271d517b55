// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_WRITES_H_
#define TESTS_SIM_WRITES_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "tests/sim/beliefs.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace rehai::sim {

// Judges when things come to Chef, by promises 3 and 4: what is believed is
// sent, what was saved over is repaired, what was rolled back is restored. What
// is in each request is judged by ChefServer. Not thread-safe.
class Writes {
 public:
  // From here on. Outlived by both.
  Writes(World& world, Beliefs& beliefs);

 private:
  void ExpectSent(const std::string& node, const std::string& uuid,
                  int64_t version);
  void JudgeRepair(const std::string& node, absl::Duration overwritten_at,
                   absl::Duration within);
  void JudgeRestore(const std::string& node, const ChefServer::Saved& saved);

  World& world_;
  Beliefs& beliefs_;
  Scheduler& scheduler_;
  Trace& trace_;
  ChefServer& chef_;
  std::map<std::string, absl::Duration> raced_at_;  // by node
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_WRITES_H_
