// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_LANE_TURNS_H_
#define CONTROLLER_SYNC_LANE_TURNS_H_

#include <array>

#include "rehai/v1/chef.pb.h"

namespace rehai {

// The lanes, most urgent first.
inline constexpr std::array<v1::Lane, 4> kLanes = {
    v1::LANE_USER, v1::LANE_LIVE, v1::LANE_REPAIR, v1::LANE_SWEEP};

// LaneTurns says whose turn it is among the lanes that have something to do:
// smooth weighted round robin. Each lane gets its weight's share of the turns,
// evenly spread; one with nothing to do neither takes nor saves up any. No lane
// waits for more than kLongestWait turns. A plain value, not thread-safe.
class LaneTurns {
 public:
  static constexpr int kLongestWait = 30;

  // The lane whose turn it is; LANE_UNSPECIFIED if none has anything to do.
  // `busy` is in the order of kLanes.
  v1::Lane Next(const std::array<bool, kLanes.size()>& busy);

 private:
  std::array<int, kLanes.size()> credit_ = {};
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_LANE_TURNS_H_
