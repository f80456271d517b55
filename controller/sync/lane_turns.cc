// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/lane_turns.h"

#include <cstddef>

namespace rehai {
namespace {

constexpr std::array<int, kLanes.size()> kWeights = {8, 4, 2, 1};

}  // namespace

v1::Lane LaneTurns::Next(const std::array<bool, kLanes.size()>& busy) {
  int paid = 0;
  size_t next = kLanes.size();
  for (size_t i = 0; i < kLanes.size(); ++i) {
    if (!busy[i]) {
      credit_[i] = 0;
      continue;
    }
    credit_[i] += kWeights[i];
    paid += kWeights[i];
    if (next == kLanes.size() || credit_[i] > credit_[next]) next = i;
  }
  if (next == kLanes.size()) return v1::LANE_UNSPECIFIED;
  credit_[next] -= paid;
  return kLanes[next];
}

}  // namespace rehai
