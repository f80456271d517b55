// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/watch_hub.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/time/time.h"
#include "base/mutex.h"

namespace rehai {
namespace {

// Counts, and can hold up whoever wakes it.
class CountingWaiter final : public Waiter {
 public:
  void Wake() override {
    MutexLock lock(mu_);
    ++count_;
    changed_.NotifyAll();
    while (held_) changed_.Wait(mu_);
  }

  void Hold(bool held) {
    MutexLock lock(mu_);
    held_ = held;
    changed_.NotifyAll();
  }

  void AwaitCount(int count) {
    MutexLock lock(mu_);
    while (count_ < count) changed_.Wait(mu_);
  }

  int count() {
    MutexLock lock(mu_);
    return count_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
};

TEST(WatchHubTest, WakesEveryWaiter) {
  WatchHub hub;
  auto a = std::make_shared<CountingWaiter>();
  auto b = std::make_shared<CountingWaiter>();
  hub.Add(a);
  hub.Add(b);
  hub.Start();
  hub.Notify();
  a->AwaitCount(1);
  b->AwaitCount(1);
}

TEST(WatchHubTest, ChangesDuringARoundMakeOneMoreRound) {
  WatchHub hub;
  auto slow = std::make_shared<CountingWaiter>();
  slow->Hold(true);
  hub.Add(slow);
  hub.Start();
  hub.Notify();
  slow->AwaitCount(1);
  // Returns although the waiter is stuck: a change is not held up by it.
  for (int i = 0; i < 1000; ++i) hub.Notify();
  slow->Hold(false);
  slow->AwaitCount(2);
  hub.Stop();
  EXPECT_LE(slow->count(), 3);  // the second round, and the one of Stop()
}

TEST(WatchHubTest, StopWakesEveryoneALastTime) {
  WatchHub hub;
  auto waiter = std::make_shared<CountingWaiter>();
  hub.Add(waiter);
  hub.Start();
  EXPECT_FALSE(hub.stopping());
  hub.Stop();
  EXPECT_TRUE(hub.stopping());
  EXPECT_EQ(waiter->count(), 1);
}

TEST(WatchHubTest, ARemovedWaiterIsLetGo) {
  WatchHub hub;
  auto waiter = std::make_shared<CountingWaiter>();
  hub.Add(waiter);
  hub.Start();
  hub.Remove(waiter.get());
  hub.Remove(waiter.get());
  hub.Stop();
  EXPECT_EQ(waiter->count(), 0);
  EXPECT_EQ(waiter.use_count(), 1);
}

TEST(WatchHubTest, WakesOnceInAWhileWithoutAChange) {
  WatchHub hub(/*interval=*/absl::Milliseconds(1));
  auto waiter = std::make_shared<CountingWaiter>();
  hub.Add(waiter);
  hub.Start();
  waiter->AwaitCount(3);
}

}  // namespace
}  // namespace rehai
