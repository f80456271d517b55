// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/fake_credentials.h"
#include "agent/scripted_controller.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "tests/fakes/fake_dialer.h"

namespace rehai::agent {
namespace {

using ::testing::HasSubstr;

constexpr char kUri[] = "qemu:///system";
using CallPtr = ScriptedController::CallPtr;

class DaemonTest : public testing::Test {
 protected:
  DaemonTest()
      : host_(dialer_.host(kUri)),
        daemon_(
            {.watch = {.node = "hv1"},
             .session = {.node = "hv1", .agent_version = "1.2.3"},
             .channels = {.controller = controller_.address()}},
            dialer_, std::make_unique<FakeCredentials>(credentials_), nullptr,
            [this] {
              MutexLock lock(mu_);
              changed_.NotifyAll();
            },
            clock_) {
    v1::HostFacts facts;
    facts.set_uuid("uuid-of-hv1");
    host_.SetFacts(facts);
    v1::Guest guest;
    guest.set_uuid("a");
    host_.SetGuest(guest);
  }

  CallPtr Greet(int64_t epoch) {
    CallPtr call = controller_.NextCall();
    if (call == nullptr) return nullptr;
    hello_ = call->Next()->hello();
    call->Welcome(epoch, /*need_full=*/true);
    return call;
  }
  bool AwaitText(const std::string& text) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    while (clock.Uptime() < deadline) {
      if (daemon_.standing().text.find(text) != std::string::npos) return true;
      MutexLock lock(mu_);
      clock.WaitUntil(clock.Uptime() + absl::Milliseconds(5), mu_, changed_);
    }
    return false;
  }

  FakeClock clock_;
  ScriptedController controller_;
  FakeCredentialsState credentials_;
  hypervisor::FakeDialer dialer_;
  hypervisor::FakeHost& host_;
  v1::AgentHello hello_;
  Mutex mu_;
  CondVar changed_;
  Daemon daemon_;
};

TEST_F(DaemonTest, WhatIsReadIsReportedAndAChangeToo) {
  EXPECT_FALSE(daemon_.standing().is_ready);
  daemon_.Start();
  const CallPtr call = Greet(7);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(hello_.host_uuid(), "uuid-of-hv1");
  auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->full());
  EXPECT_EQ(report->guests_size(), 1);
  EXPECT_TRUE(daemon_.standing().is_ready);
  EXPECT_TRUE(AwaitText("1 guests; controller: reporting"));
  call->Acknowledge(1);

  host_.RemoveGuest("a");
  host_.EmitGuestEvent({"a"}, hypervisor::GuestEvent::kUndefined);
  report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->removed_uuids(), testing::ElementsAre("a"));
}

TEST_F(DaemonTest, AHypervisorThatIsAwayIsReported) {
  host_.FailDials(absl::UnavailableError("qemu:///system: refused"));
  daemon_.Start();
  const CallPtr call = Greet(7);
  ASSERT_NE(call, nullptr);
  const auto report = call->NextReport();
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->source_error(), HasSubstr("refused"));
  EXPECT_TRUE(AwaitText("qemu:///system: refused; controller: reporting"));
}

TEST_F(DaemonTest, ARenewedCertificateIsUsedAtOnce) {
  credentials_.SetRenewal(clock_.Now() + absl::Seconds(5), absl::Hours(16));
  daemon_.Start();
  const CallPtr call = Greet(7);
  ASSERT_NE(call, nullptr);
  ASSERT_TRUE(call->NextReport().has_value());
  call->Acknowledge(1);
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(call->AwaitOver());
  ASSERT_NE(Greet(8), nullptr);
  EXPECT_EQ(hello_.last_acknowledged(), 1);
  EXPECT_EQ(credentials_.gets(), 2);
}

TEST_F(DaemonTest, StopsWhileTheControllerIsSilent) {
  daemon_.Start();
  const CallPtr call = controller_.NextCall();
  ASSERT_NE(call, nullptr);
  daemon_.Stop();
  EXPECT_TRUE(call->AwaitOver());
  EXPECT_EQ(host_.open_connections(), 0);
}

TEST_F(DaemonTest, StopsWithoutHavingStarted) { daemon_.Stop(); }

}  // namespace
}  // namespace rehai::agent
