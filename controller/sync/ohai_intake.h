// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_OHAI_INTAKE_H_
#define CONTROLLER_SYNC_OHAI_INTAKE_H_

#include <memory>

#include "base/clock.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {

// OhaiIntake takes what agents' Ohai found by its interval, which nobody waits
// for, and has it written, after what somebody waits for and live changes. What
// fails is logged once per host and cause, and the agent's next interval is the
// next try. Thread-safe.
class OhaiIntake {
 public:
  // The two referred to must outlive this; it may go before the syncer has
  // stopped. `write_ohai_time`: see chef::ParseOhaiOutput().
  OhaiIntake(Syncer& syncer, const Clock& clock, bool write_ohai_time);
  ~OhaiIntake();

  // Returns after a scan of the output: milliseconds.
  void Take(const HostId& host, const v1::OhaiResult& result);

 private:
  class Troubles;

  // Set at construction.
  Syncer& syncer_;
  const Clock& clock_;
  const bool write_ohai_time_;
  // Shared with writes that end later.
  const std::shared_ptr<Troubles> troubles_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_OHAI_INTAKE_H_
