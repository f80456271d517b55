// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runner.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"

namespace rehai::agent {
namespace {

// Counts its runs, and says what the test wants.
class TestTask final : public Runner::Task {
 public:
  explicit TestTask(std::function<absl::Duration(int run)> work)
      : work_(std::move(work)) {}

  absl::Duration Run() override {
    int run = 0;
    {
      MutexLock lock(mu_);
      run = ++runs_;
    }
    const absl::Duration next = work_(run);
    MutexLock lock(mu_);
    ++ended_;
    changed_.NotifyAll();
    return next;
  }

  // Waits until that many runs have ended.
  bool AwaitRuns(int count) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (ended_ < count) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }
  int runs() {
    MutexLock lock(mu_);
    return runs_;
  }

 private:
  const std::function<absl::Duration(int run)> work_;
  Mutex mu_;
  CondVar changed_;
  int runs_ ABSL_GUARDED_BY(mu_) = 0;
  int ended_ ABSL_GUARDED_BY(mu_) = 0;
};

absl::Duration Never(int run) { return absl::InfiniteDuration(); }

class RunnerTest : public testing::Test {
 protected:
  FakeClock clock_;
  Runner runner_{clock_};
};

TEST_F(RunnerTest, ATaskRunsWhenItIsWoken) {
  TestTask task(Never);
  const Runner::Waker waker = runner_.Add(task);
  TestTask other(Never);
  const Runner::Waker other_waker = runner_.Add(other);
  other_waker.Wake();
  EXPECT_TRUE(other.AwaitRuns(1));
  EXPECT_EQ(task.runs(), 0);
  waker.Wake();
  EXPECT_TRUE(task.AwaitRuns(1));
  runner_.Remove(waker);
  runner_.Remove(other_waker);
}

TEST_F(RunnerTest, ATaskRunsAgainWhenItSaidItWould) {
  TestTask task([next = clock_.Uptime()](int run) mutable {
    return next += absl::Seconds(10);
  });
  const Runner::Waker waker = runner_.Add(task);
  waker.Wake();
  ASSERT_TRUE(task.AwaitRuns(1));
  clock_.Advance(absl::Seconds(9));
  // Whoever is due is run in that order, so by now the task would have been.
  TestTask other(Never);
  const Runner::Waker other_waker = runner_.Add(other);
  other_waker.Wake();
  ASSERT_TRUE(other.AwaitRuns(1));
  EXPECT_EQ(task.runs(), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(task.AwaitRuns(2));
  runner_.Remove(waker);
  runner_.Remove(other_waker);
}

TEST_F(RunnerTest, AWakeDuringARunMakesAnother) {
  std::optional<Runner::Waker> waker;
  TestTask task([&waker](int run) {
    if (run == 1) waker->Wake();
    return absl::InfiniteDuration();
  });
  waker = runner_.Add(task);
  waker->Wake();
  EXPECT_TRUE(task.AwaitRuns(2));
  runner_.Remove(*waker);
}

TEST_F(RunnerTest, RemoveWaitsForTheRunAndAWakeAfterItDoesNothing) {
  Mutex mu;
  CondVar changed;
  bool begun = false;
  bool ended = false;
  TestTask task([&](int run) {
    MutexLock lock(mu);
    begun = true;
    changed.NotifyAll();
    changed.WaitFor(mu, absl::Milliseconds(20));
    ended = true;
    return absl::InfiniteDuration();
  });
  const Runner::Waker waker = runner_.Add(task);
  waker.Wake();
  {
    MutexLock lock(mu);
    while (!begun) changed.Wait(mu);
  }
  runner_.Remove(waker);
  {
    MutexLock lock(mu);
    EXPECT_TRUE(ended);
  }
  waker.Wake();
  TestTask other(Never);
  const Runner::Waker other_waker = runner_.Add(other);
  other_waker.Wake();
  ASSERT_TRUE(other.AwaitRuns(1));
  EXPECT_EQ(task.runs(), 1);
  runner_.Remove(other_waker);
}

TEST_F(RunnerTest, AWakerMayOutliveTheRunner) {
  TestTask task(Never);
  std::optional<Runner::Waker> waker;
  {
    Runner runner(clock_);
    waker = runner.Add(task);
    runner.Remove(*waker);
  }
  waker->Wake();
  EXPECT_EQ(task.runs(), 0);
}

}  // namespace
}  // namespace rehai::agent
