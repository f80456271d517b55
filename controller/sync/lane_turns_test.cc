// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/lane_turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <random>
#include <vector>

namespace rehai {
namespace {

using Busy = std::array<bool, kLanes.size()>;

TEST(LaneTurnsTest, EachLaneGetsItsWeightsShare) {
  LaneTurns turns;
  std::map<v1::Lane, int> got;
  for (int i = 0; i < 15 * 10; ++i) ++got[turns.Next({true, true, true, true})];
  EXPECT_EQ(got[v1::LANE_USER], 80);
  EXPECT_EQ(got[v1::LANE_LIVE], 40);
  EXPECT_EQ(got[v1::LANE_REPAIR], 20);
  EXPECT_EQ(got[v1::LANE_SWEEP], 10);
}

TEST(LaneTurnsTest, ThoseWithSomethingToDoShareWhatTheOthersLeave) {
  LaneTurns turns;
  std::map<v1::Lane, int> got;
  for (int i = 0; i < 50; ++i) ++got[turns.Next({false, true, false, true})];
  EXPECT_EQ(got[v1::LANE_LIVE], 40);
  EXPECT_EQ(got[v1::LANE_SWEEP], 10);
}

TEST(LaneTurnsTest, NobodyBusyIsNobodysTurn) {
  LaneTurns turns;
  EXPECT_EQ(turns.Next({}), v1::LANE_UNSPECIFIED);
}

TEST(LaneTurnsTest, ALaneThatHadNothingToDoHasSavedUpNoTurns) {
  LaneTurns turns;
  for (int i = 0; i < 1000; ++i) turns.Next({false, true, true, true});
  std::vector<v1::Lane> next;
  for (int i = 0; i < 15; ++i)
    next.push_back(turns.Next({true, true, true, true}));
  EXPECT_EQ(std::count(next.begin(), next.end(), v1::LANE_USER), 8);
}

TEST(LaneTurnsTest, NoLaneStarvesWhateverTheOthersDo) {
  std::mt19937 random(1);
  for (size_t waiting = 0; waiting < kLanes.size(); ++waiting) {
    LaneTurns turns;
    int wait = 0;
    int longest = 0;
    // The others come and go, in phases of different lengths.
    for (int i = 0; i < 100000; ++i) {
      Busy busy;
      for (size_t lane = 0; lane < busy.size(); ++lane) {
        busy[lane] = random() % 100 < (i / 100 * 37 + lane * 11) % 100;
      }
      busy[waiting] = true;
      wait = turns.Next(busy) == kLanes[waiting] ? 0 : wait + 1;
      longest = std::max(longest, wait);
    }
    EXPECT_LE(longest, LaneTurns::kLongestWait) << kLanes[waiting];
    EXPECT_GT(longest, 0) << kLanes[waiting];
  }
}

}  // namespace
}  // namespace rehai
