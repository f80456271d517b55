// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/listener_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace rehai::hypervisor {
namespace {

// Counts, and holds the calling thread until released.
class HoldingListener final : public Listener {
 public:
  void OnGuestEvent(const GuestId&, GuestEvent) override { ++calls_; }
  void OnHostEvent() override {
    ++calls_;
    calls_.notify_all();
    held_.wait(true);
  }
  void OnClosed(const std::string&) override { ++calls_; }

  void AwaitCall() { calls_.wait(0); }
  void Release() {
    held_ = false;
    held_.notify_all();
  }
  int calls() const { return calls_; }

 private:
  std::atomic<int> calls_{0};
  std::atomic<bool> held_{true};
};

void TellGuestEvent(ListenerGate& gate) {
  gate.Call([](Listener& listener) {
    listener.OnGuestEvent({"uuid"}, GuestEvent::kChanged);
  });
}

TEST(ListenerGateTest, NothingPassesAClosedGate) {
  HoldingListener listener;
  ListenerGate gate(listener);
  TellGuestEvent(gate);
  EXPECT_EQ(listener.calls(), 1);
  EXPECT_TRUE(gate.IsOpen());
  gate.Close();
  EXPECT_FALSE(gate.IsOpen());
  TellGuestEvent(gate);
  EXPECT_EQ(listener.calls(), 1);
  gate.Close();
}

// Each connection has a gate of its own: what an earlier one has still queued
// is nothing to the one that is open now.
TEST(ListenerGateTest, AnOlderConnectionsEventsAreNotTheNewOnes) {
  HoldingListener listener;
  ListenerGate older(listener);
  older.Close();
  ListenerGate newer(listener);
  TellGuestEvent(older);
  EXPECT_EQ(listener.calls(), 0);
  TellGuestEvent(newer);
  EXPECT_EQ(listener.calls(), 1);
}

TEST(ListenerGateTest, CloseWaitsForACallUnderWay) {
  HoldingListener listener;
  ListenerGate gate(listener);
  std::thread calling(
      [&] { gate.Call([](Listener& listener) { listener.OnHostEvent(); }); });
  listener.AwaitCall();
  std::atomic<bool> closed{false};
  std::thread closing([&] {
    gate.Close();
    closed = true;
  });
  // It is closed to others from the start.
  while (gate.IsOpen()) std::this_thread::yield();
  TellGuestEvent(gate);
  EXPECT_EQ(listener.calls(), 1);
  EXPECT_FALSE(closed);
  listener.Release();
  calling.join();
  closing.join();
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace rehai::hypervisor
