// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/server_health.h"

#include <algorithm>
#include <utility>

#include "base/proto_time.h"

namespace rehai {

ServerHealth::Turn ServerHealth::OnTrouble(const HostId& host, Trouble trouble,
                                           size_t fleet, absl::Duration now,
                                           absl::BitGenRef random) {
  if (is_up()) {
    if (!IsTheServers(host, trouble, fleet)) return Turn::kNone;
  } else if (now < next_probe_) {
    // It began before the server was known to be in trouble; it is no probe.
    return Turn::kNone;
  }
  ++failed_probes_;
  next_probe_ = now + BackoffDelay(probes_, failed_probes_, random);
  error_ = std::move(trouble.error);
  return Become(
      trouble.refused ? v1::SERVER_STATE_REFUSING : v1::SERVER_STATE_DOWN, now);
}

bool ServerHealth::IsTheServers(const HostId& host, const Trouble& trouble,
                                size_t fleet) {
  in_trouble_.insert(host);
  ++failures_;
  if (trouble.refused) return true;
  return in_trouble_.size() >= std::min(kHostsInTrouble, fleet) &&
         failures_ >= kFailures;
}

ServerHealth::Turn ServerHealth::OnGoodAnswer(absl::Duration now) {
  in_trouble_.clear();
  failures_ = 0;
  failed_probes_ = 0;
  error_.clear();
  return Become(v1::SERVER_STATE_UP, now);
}

ServerHealth::Turn ServerHealth::Become(v1::ServerState state,
                                        absl::Duration now) {
  if (state == state_) return Turn::kNone;
  state_ = state;
  since_ = now;
  switch (state) {
    case v1::SERVER_STATE_DOWN:
      return Turn::kDown;
    case v1::SERVER_STATE_REFUSING:
      return Turn::kRefusing;
    default:
      return Turn::kBack;
  }
}

absl::Duration ServerHealth::NextWrite(int in_flight) const {
  if (is_up()) return absl::ZeroDuration();
  return in_flight > 0 ? absl::InfiniteDuration() : next_probe_;
}

void ServerHealth::FillStatus(absl::Duration now, absl::Time wall_now,
                              v1::ChefStatus& status) const {
  status.set_state(state_);
  *status.mutable_state_since() = ToProto(wall_now - (now - since_));
  status.set_error(error_);
}

}  // namespace rehai
