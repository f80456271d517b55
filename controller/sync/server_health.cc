// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/server_health.h"

namespace rehai {

ServerHealth::Turn ServerHealth::OnTrouble(const HostId& host,
                                           absl::Duration now,
                                           absl::BitGenRef random) {
  const bool was_down = is_down();
  if (!was_down) {
    in_trouble_.insert(host);
    if (in_trouble_.size() < kHostsInTrouble) return Turn::kNone;
  } else if (now < next_probe_) {
    // It began before the server was known to be down; it is no probe.
    return Turn::kNone;
  }
  ++failed_probes_;
  next_probe_ = now + BackoffDelay(probes_, failed_probes_, random);
  return was_down ? Turn::kNone : Turn::kDown;
}

ServerHealth::Turn ServerHealth::OnGoodAnswer() {
  const bool was_down = is_down();
  in_trouble_.clear();
  failed_probes_ = 0;
  return was_down ? Turn::kBack : Turn::kNone;
}

absl::Duration ServerHealth::NextWrite(int in_flight) const {
  if (!is_down()) return absl::ZeroDuration();
  return in_flight > 0 ? absl::InfiniteDuration() : next_probe_;
}

}  // namespace rehai
