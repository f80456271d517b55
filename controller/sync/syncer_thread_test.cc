// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The syncer with its thread.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;

class SyncerThreadTest : public SyncerTest {
 protected:
  // Lets fake time go by until `done`.
  template <typename Predicate>
  void PassUntil(Predicate done) {
    while (!done()) {
      clock_.Advance(absl::Milliseconds(50));
      std::this_thread::yield();
    }
  }
};

TEST_F(SyncerThreadTest, WritesByItself) {
  syncer_->Start();
  ObserveRunning();
  PassUntil([&] { return State() == v1::SYNC_STATE_SYNCED; });
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerThreadTest, StopWaitsForWritesUnderWay) {
  sink_.Hold();
  syncer_->Start();
  ObserveRunning();
  PassUntil([&] { return sink_.in_flight() == 1; });
  syncer_->Rewrite(kHost, Collect());  // waits for the next try
  std::atomic<bool> stopped = false;
  std::thread stopper([&] {
    syncer_->Stop();
    stopped = true;
  });
  // It is stopping, and has not returned.
  std::atomic<bool> refused = false;
  PassUntil([&] {
    syncer_->Diff(kHost, [&](auto result) {
      if (absl::IsCancelled(result.status())) refused = true;
    });
    return refused.load();
  });
  EXPECT_FALSE(stopped);
  sink_.Release();
  stopper.join();
  EXPECT_EQ(sink_.in_flight(), 0);
  EXPECT_EQ(Writes(), 1u);
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
}

TEST_F(SyncerThreadTest, EveryRewriteIsAnsweredOnceWhateverHappens) {
  MakeSyncer(Fast());
  constexpr int kHosts = 20;
  constexpr int kRounds = 200;
  const auto host = [](int i) {
    return HostId{absl::StrCat("hv", i % kHosts)};
  };
  for (int i = 0; i < kHosts; ++i) ObserveRunning(host(i));
  syncer_->Start();

  std::vector<std::atomic<int>> answers(4 * kRounds);
  std::atomic<bool> done = false;
  std::thread weather([&] {
    for (int i = 0; !done; ++i) {
      sink_.Hold();
      sink_.Script(host(i).node, v1::WRITE_OUTCOME_RETRY);
      sink_.Script(host(i + 1).node, v1::WRITE_OUTCOME_FORBIDDEN);
      clock_.Advance(absl::Milliseconds(500));
      std::this_thread::yield();
      sink_.Release();
    }
    sink_.Release();
  });
  std::thread comings([&] {
    for (int i = 0; i < kRounds; ++i) {
      inventory_->RemoveHost(host(3));
      ObserveShutOff(host(3));
      ObserveRunning(host(i));
    }
  });
  std::vector<std::thread> operators;
  for (int o = 0; o < 4; ++o) {
    operators.emplace_back([&, o] {
      for (int i = 0; i < kRounds; ++i) {
        syncer_->Rewrite(host(i + o), [&answer = answers[o * kRounds + i]](
                                          RewriteResult) { ++answer; });
      }
    });
  }
  for (std::thread& thread : operators) thread.join();
  comings.join();
  done = true;
  weather.join();
  syncer_->Stop();
  for (const std::atomic<int>& answer : answers) EXPECT_EQ(answer, 1);
  EXPECT_EQ(sink_.max_in_flight_of_a_node(), 1);
}

}  // namespace
}  // namespace rehai
