// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_AGENT_SESSION_PROTOCOL_H_
#define CONTROLLER_SOURCE_AGENT_SESSION_PROTOCOL_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {

// AgentSessionProtocol knows where one agent's session stands by what the agent
// has said, and what a message of it is for: see agent.proto.
//
// Decides and does nothing: no clock, no lock, no I/O. Not thread-safe.
class AgentSessionProtocol {
 public:
  // An agent that is asked for a full report so often in a row, and sends what
  // cannot be merged still, is not asked again: it would be asked for ever.
  static constexpr int kMostDemands = 3;

  enum class Duty {
    kNothing,     // it is alive
    kGreet,       // it has come: admit it, or not
    kMerge,       // take its report in, then Merged()
    kCannotRead,  // its hypervisor is away; acknowledge
    kDemandFull,  // not merged: a full report is wanted, for `reason`
    kOhaiResult,
  };
  struct Step {
    Duty duty = Duty::kNothing;
    std::string reason;
  };

  // What to do about the next message. kInvalidArgument: it is out of turn, or
  // contradicts itself; the session is to end.
  absl::StatusOr<Step> Take(const v1::SessionRequest& message);

  // The agent that kGreet was about is admitted.
  void Welcomed(int64_t epoch, bool need_full);
  // The report that kMerge was about is merged.
  void Merged(bool full);

  // Nothing but a full report is merged now.
  bool wants_full() const { return wants_full_; }

 private:
  absl::StatusOr<Step> TakeHello(const v1::AgentHello& hello);
  absl::StatusOr<Step> TakeReport(const v1::AgentReport& report);
  absl::StatusOr<Step> Demand(std::string reason);

  bool greeted_ = false;
  int64_t epoch_ = 0;  // 0: not admitted
  int64_t last_sequence_ = 0;
  bool wants_full_ = true;
  int demands_ = 0;  // in a row
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_AGENT_SESSION_PROTOCOL_H_
