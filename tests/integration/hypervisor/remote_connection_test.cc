// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Against a real libvirt daemon: what happens when it hangs, dies or comes
// back, and what a connection to it leaves behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/functional/function_ref.h"
#include "base/clock.h"
#include "hypervisor/connection.h"
#include "hypervisor/event_loop.h"
#include "hypervisor/libvirt_dialer.h"
#include "hypervisor/recording_listener.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// The guest that the test driver always has.
constexpr char kTestUuid[] = "6695eb01-f6a4-8304-79aa-97f2502e193f";

int Descriptors() {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

bool Eventually(absl::FunctionRef<bool()> condition) {
  const Clock& clock = Clock::Real();
  const absl::Duration deadline = clock.Uptime() + absl::Seconds(10);
  while (!condition()) {
    if (clock.Uptime() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class RemoteConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto libvirtd = lab::FlatLibvirtd::Start();
    ASSERT_THAT(libvirtd, IsOk());
    libvirtd_ = *std::move(libvirtd);
    // A dead daemon is noticed within 1 s x (2 + 1).
    options_.keepalive_interval = absl::Seconds(1);
    options_.keepalive_count = 2;
  }

  std::unique_ptr<Connection> Dial() {
    auto connection = dialer_.Dial(libvirtd_->uri(), options_, listener_);
    EXPECT_THAT(connection, IsOk());
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  void Hang() { libvirtd_->process().Signal(SIGSTOP); }

  const std::shared_ptr<EventLoop> loop_ = *EventLoop::Get();
  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
  LibvirtDialer dialer_{Clock::Real()};
  RecordingListener listener_;
  DialOptions options_;
};

TEST_F(RemoteConnectionTest, WhatVirshDoesIsAHintAndThenInTheRead) {
  const auto connection = Dial();
  ASSERT_NE(connection, nullptr);
  auto inventory = connection->Read({});
  ASSERT_THAT(inventory, IsOk());
  ASSERT_THAT(inventory->guests, SizeIs(1));
  EXPECT_EQ(inventory->guests[0].state(), v1::GUEST_STATE_RUNNING);

  ASSERT_THAT(libvirtd_->Virsh({"suspend", "test"}), IsOk());
  ASSERT_TRUE(listener_.AwaitGuestEvent({kTestUuid}));
  inventory = connection->Read({});
  ASSERT_THAT(inventory, IsOk());
  EXPECT_EQ(inventory->guests[0].state(), v1::GUEST_STATE_PAUSED);
  EXPECT_EQ(inventory->guests[0].state_reason(), "user");
}

TEST_F(RemoteConnectionTest, KeepaliveEndsAReadFromAHungDaemon) {
  const auto connection = Dial();
  ASSERT_NE(connection, nullptr);
  Hang();
  const absl::Duration begun = Clock::Real().Uptime();
  EXPECT_THAT(connection->Read({}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LE(Clock::Real().Uptime() - begun, absl::Seconds(8));
  EXPECT_TRUE(listener_.AwaitClosed());
  EXPECT_THAT(connection->Read({}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(listener_.closed(), SizeIs(1));
}

TEST_F(RemoteConnectionTest, ClosingAConnectionToAHungDaemonIsBounded) {
  auto connection = Dial();
  ASSERT_NE(connection, nullptr);
  Hang();
  const absl::Duration begun = Clock::Real().Uptime();
  connection.reset();
  EXPECT_LE(Clock::Real().Uptime() - begun, absl::Seconds(8));
  EXPECT_THAT(listener_.closed(), IsEmpty());
}

TEST_F(RemoteConnectionTest, AHungDaemonHoldsNoOtherHost) {
  auto other = lab::FlatLibvirtd::Start();
  ASSERT_THAT(other, IsOk());
  const auto connection = Dial();
  ASSERT_NE(connection, nullptr);
  RecordingListener other_listener;
  auto healthy = dialer_.Dial((*other)->uri(), options_, other_listener);
  ASSERT_THAT(healthy, IsOk());

  Hang();
  auto blocked =
      std::async(std::launch::async, [&] { return connection->Read({}); });
  ASSERT_THAT((*other)->Virsh({"suspend", "test"}), IsOk());
  EXPECT_TRUE(other_listener.AwaitGuestEvent({kTestUuid}));
  EXPECT_THAT((*healthy)->Read({}), IsOk());
  EXPECT_EQ(blocked.wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
  EXPECT_THAT(blocked.get(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RemoteConnectionTest, ADialToAHungDaemonEndsAtItsDeadline) {
  Hang();
  options_.connect_timeout = absl::Milliseconds(500);
  const absl::Duration begun = Clock::Real().Uptime();
  EXPECT_THAT(dialer_.Dial(libvirtd_->uri(), options_, listener_),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_LE(Clock::Real().Uptime() - begun, absl::Seconds(1));
}

TEST_F(RemoteConnectionTest, AKilledDaemonIsToldOnceAndDialedAgainWhenBack) {
  auto connection = Dial();
  ASSERT_NE(connection, nullptr);
  ASSERT_THAT(connection->Read({}), IsOk());
  libvirtd_->process().Signal(SIGKILL);
  EXPECT_TRUE(listener_.AwaitClosed());
  EXPECT_THAT(connection->Read({}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(listener_.closed(), SizeIs(1));
  EXPECT_THAT(dialer_.Dial(libvirtd_->uri(), options_, listener_),
              StatusIs(absl::StatusCode::kUnavailable));
  connection.reset();

  ASSERT_THAT(libvirtd_->Restart(), IsOk());
  connection = Dial();
  ASSERT_NE(connection, nullptr);
  EXPECT_THAT(connection->Read({}), IsOk());
}

// A close that libvirt refuses leaks the connection's descriptors.
TEST_F(RemoteConnectionTest, ConnectionsLeaveNoDescriptorsBehind) {
  ASSERT_THAT(Dial()->Read({}), IsOk());
  const int descriptors = Descriptors();
  for (int i = 0; i < 20; ++i) {
    const auto connection = Dial();
    ASSERT_NE(connection, nullptr);
    ASSERT_THAT(connection->Read({}), IsOk());
  }
  EXPECT_TRUE(Eventually([&] { return Descriptors() <= descriptors; }));

  auto connection = Dial();
  ASSERT_NE(connection, nullptr);
  libvirtd_->process().Signal(SIGKILL);
  EXPECT_TRUE(listener_.AwaitClosed());
  connection.reset();
  EXPECT_TRUE(Eventually([&] { return Descriptors() <= descriptors; }));
}

}  // namespace
}  // namespace rehai::hypervisor
