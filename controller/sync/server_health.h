// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SERVER_HEALTH_H_
#define CONTROLLER_SYNC_SERVER_HEALTH_H_

#include "absl/container/flat_hash_set.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "proto/ids.h"

namespace rehai {

// ServerHealth tells a Chef server in trouble from a host in trouble.
//
// When writes of several hosts fail one after the other, with no good answer
// among them, the server as a whole is taken to be down. Then one write at a
// time, a probe, may go, after a wait that grows; the first good answer ends
// it. One host that fails again and again never does this to the others.
//
// Times are Clock::Uptime() values, passed in. Not thread-safe.
class ServerHealth {
 public:
  enum class Turn { kNone, kDown, kBack };

  // So many hosts in trouble mean the server.
  static constexpr int kHostsInTrouble = 3;

  // `probes`: the waits between probes.
  explicit ServerHealth(const BackoffOptions& probes) : probes_(probes) {}

  // A write ended in a way that time may heal.
  Turn OnTrouble(const HostId& host, absl::Duration now,
                 absl::BitGenRef random);
  // A write ended with an answer that says the server works.
  Turn OnGoodAnswer();

  bool is_down() const { return failed_probes_ > 0; }

  // When a write may begin, with `in_flight` under way: ZeroDuration if at any
  // time, infinite if the probe under way must end first.
  absl::Duration NextWrite(int in_flight) const;

 private:
  const BackoffOptions probes_;

  // Since the last good answer.
  absl::flat_hash_set<HostId> in_trouble_;
  int failed_probes_ = 0;
  absl::Duration next_probe_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SERVER_HEALTH_H_
