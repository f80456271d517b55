// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SERVER_HEALTH_H_
#define CONTROLLER_SYNC_SERVER_HEALTH_H_

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {

// ServerHealth tells a Chef server in trouble from a host in trouble: a circuit
// breaker for the server as a whole.
//
// When writes of several hosts fail one after the other, with no good answer
// among them, the server is taken to be down; in a fleet of one or two hosts,
// when all of them do. One answer that it does not know us is enough to know
// that it refuses us, whatever the host. Then one write at a time, a probe, may
// go, after a wait that grows; the first good answer ends it. One host that
// fails again and again never does this to the others.
//
// Times are Clock::Uptime() values, passed in. Not thread-safe.
class ServerHealth {
 public:
  enum class Turn { kNone, kDown, kRefusing, kBack };

  // So many hosts in trouble, and so many failures, mean the server.
  static constexpr size_t kHostsInTrouble = 3;
  static constexpr int kFailures = 3;

  // `probes`: the waits between probes.
  ServerHealth(const BackoffOptions& probes, absl::Duration now)
      : probes_(probes), since_(now) {}

  // Why a write failed, in a way that time may heal.
  struct Trouble {
    bool refused = false;  // the server does not know us
    std::string error;
  };

  // A write failed. `fleet`: how many hosts there are.
  Turn OnTrouble(const HostId& host, Trouble trouble, size_t fleet,
                 absl::Duration now, absl::BitGenRef random);
  // A write ended with an answer that says the server works.
  Turn OnGoodAnswer(absl::Duration now);

  bool is_up() const { return state_ == v1::SERVER_STATE_UP; }
  // While not up: what happened and what to do.
  const std::string& error() const { return error_; }

  // When a write may begin, with `in_flight` under way: ZeroDuration if at any
  // time, infinite if the probe under way must end first.
  absl::Duration NextWrite(int in_flight) const;

  // Fills state, state_since and error.
  void FillStatus(absl::Duration now, absl::Time wall_now,
                  v1::ChefStatus& status) const;

 private:
  // True if this failure, of a server that was up, is the server's.
  bool IsTheServers(const HostId& host, const Trouble& trouble, size_t fleet);
  Turn Become(v1::ServerState state, absl::Duration now);

  const BackoffOptions probes_;

  v1::ServerState state_ = v1::SERVER_STATE_UP;
  absl::Duration since_;
  std::string error_;

  // Since the last good answer.
  absl::flat_hash_set<HostId> in_trouble_;
  int failures_ = 0;

  int failed_probes_ = 0;
  absl::Duration next_probe_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SERVER_HEALTH_H_
