// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/call_watch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/fake_clock.h"

namespace rehai::hypervisor {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(15);
// Longer than what passes while a thread is slow.
constexpr absl::Duration kAges = absl::Hours(10000);

// A wait as libvirt's calls have it: on a socket of the connection, for an
// answer that does not come unless the test sends it.
class SilentPeer {
 public:
  SilentPeer() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  ~SilentPeer() {
    close(ends_[0]);
    close(ends_[1]);
  }

  // True if there was an answer; false if the socket was shut down.
  bool AwaitAnswer() {
    char byte;
    return recv(ends_[0], &byte, 1, 0) == 1;
  }
  void Answer() { EXPECT_EQ(send(ends_[1], "x", 1, MSG_NOSIGNAL), 1); }

 private:
  int ends_[2];
};

// Lets time pass until `ended`, at the pace at which calls are interrupted.
void AdvanceUntil(FakeClock& clock, const std::atomic<bool>& ended) {
  while (!ended) {
    clock.Advance(absl::Milliseconds(10));
    std::this_thread::yield();
  }
}

TEST(CallWatchTest, ACallThatTakesTooLongIsEndedAndToldSo) {
  FakeClock clock;
  CallWatch watch(clock);
  SilentPeer peer;
  std::atomic<bool> ended{false};
  std::thread thread([&] {
    CallWatch::Call call(watch, kTimeout);
    EXPECT_FALSE(peer.AwaitAnswer());
    EXPECT_TRUE(call.End());
    EXPECT_TRUE(call.End());
    ended = true;
  });
  AdvanceUntil(clock, ended);
  thread.join();
}

TEST(CallWatchTest, ACallWithinItsTimeIsLeftAlone) {
  FakeClock clock;
  CallWatch watch(clock);
  SilentPeer hung;
  SilentPeer healthy;
  std::atomic<bool> ended{false};
  std::thread healthy_thread([&] {
    CallWatch::Call call(watch, kAges);
    EXPECT_TRUE(healthy.AwaitAnswer());
    EXPECT_FALSE(call.End());
  });
  // Ended only if the watch has looked at both.
  std::thread hung_thread([&] {
    CallWatch::Call call(watch, kTimeout);
    EXPECT_FALSE(hung.AwaitAnswer());
    ended = true;
  });
  AdvanceUntil(clock, ended);
  healthy.Answer();
  healthy_thread.join();
  hung_thread.join();
}

// A deadline that comes before all others wakes the watch, whatever it had set
// out to wait for.
TEST(CallWatchTest, ShorterAndLongerTimesEndInTheirOrder) {
  FakeClock clock;
  CallWatch watch(clock);
  std::vector<SilentPeer> peers(3);
  std::atomic<bool> ended[3] = {};
  std::vector<std::thread> threads;
  for (int i = 2; i >= 0; --i) {
    threads.emplace_back([&, i] {
      CallWatch::Call call(watch, kTimeout + i * kAges);
      EXPECT_FALSE(peers[i].AwaitAnswer());
      ended[i] = true;
    });
  }
  for (int i = 0; i < 3; ++i) {
    AdvanceUntil(clock, ended[i]);
    for (int later = i + 1; later < 3; ++later) EXPECT_FALSE(ended[later]);
    clock.Advance(kAges);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(CallWatchTest, WhatTheThreadWaitsForAfterItsCallIsLeftAlone) {
  FakeClock clock;
  CallWatch watch(clock);
  SilentPeer after;
  SilentPeer other;
  std::atomic<bool> other_ended{false};
  std::thread thread([&] {
    { CallWatch::Call ended(watch, kTimeout); }
    EXPECT_TRUE(after.AwaitAnswer());
  });
  std::thread other_thread([&] {
    CallWatch::Call call(watch, 2 * kTimeout);
    EXPECT_FALSE(other.AwaitAnswer());
    other_ended = true;
  });
  AdvanceUntil(clock, other_ended);
  after.Answer();
  thread.join();
  other_thread.join();
}

}  // namespace
}  // namespace rehai::hypervisor
