// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/parallel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "base/mutex.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::SizeIs;

TEST(ParallelTest, EachIsCalledOnceAndSoManyAtATime) {
  Mutex mu;
  CondVar met;
  int inside = 0;
  int most = 0;
  std::set<int> seen;
  EXPECT_THAT(ForEachInParallel(30, 3,
                                [&](int i) {
                                  MutexLock lock(mu);
                                  most = std::max(most, ++inside);
                                  met.NotifyAll();
                                  // The first three must meet.
                                  while (most < 3) met.Wait(mu);
                                  seen.insert(i);
                                  --inside;
                                  return absl::OkStatus();
                                }),
              IsOk());
  EXPECT_THAT(seen, SizeIs(30));
  EXPECT_EQ(most, 3);
}

TEST(ParallelTest, NothingIsBegunAfterAnErrorWhichIsReturned) {
  std::atomic<int> calls = 0;
  EXPECT_THAT(ForEachInParallel(100, 1,
                                [&](int i) {
                                  ++calls;
                                  return i == 2 ? absl::AbortedError("third")
                                                : absl::OkStatus();
                                }),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(calls, 3);
}

TEST(ParallelTest, NothingToDoIsDone) {
  EXPECT_THAT(ForEachInParallel(
                  0, 3, [](int) { return absl::InternalError("called"); }),
              IsOk());
}

}  // namespace
}  // namespace rehai::lab
