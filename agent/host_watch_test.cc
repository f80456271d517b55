// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "tests/fakes/fake_dialer.h"

namespace rehai::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kUri[] = "qemu:///system";

v1::Guest MakeGuest(const std::string& uuid,
                    v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_state(state);
  return guest;
}

std::vector<std::string> Uuids(const v1::AgentReport& report) {
  std::vector<std::string> uuids;
  for (const v1::Guest& guest : report.guests()) uuids.push_back(guest.uuid());
  return uuids;
}

class HostWatchTest : public testing::Test {
 protected:
  HostWatchTest()
      : host_(dialer_.host(kUri)),
        watch_({.node = "hv1"}, dialer_, clock_, [this] {
          MutexLock lock(mu_);
          ++news_;
          changed_.NotifyAll();
        }) {
    v1::HostFacts facts;
    facts.set_uuid("uuid-of-hv1");
    facts.set_hostname("hv1.example.com");
    facts.set_libvirt_version("9.0.0");
    host_.SetFacts(facts);
    host_.SetGuest(MakeGuest("a"));
    host_.SetGuest(MakeGuest("b"));
  }
  ~HostWatchTest() override {
    host_.ReleaseReads();
    host_.ReleaseDials();
  }

  // Watching, in a session in which the controller knows a and b.
  void BeginWithTwoKnown() {
    watch_.Begin(7, /*need_full=*/true);
    watch_.Start();
    ASSERT_THAT(Uuids(Deliver()), ElementsAre("a", "b"));
  }

  // The next report, once there is one, which the controller acknowledges; an
  // empty one if there is none.
  v1::AgentReport Deliver() {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    while (clock.Uptime() < deadline) {
      int64_t seen = 0;
      {
        MutexLock lock(mu_);
        seen = news_;
      }
      if (auto report = watch_.Next(clock_.Uptime())) {
        watch_.Acknowledged(report->sequence());
        return *report;
      }
      MutexLock lock(mu_);
      while (news_ == seen && clock.Uptime() < deadline) {
        clock.WaitUntil(deadline, mu_, changed_);
      }
    }
    return {};
  }
  // A reading that was made after all that was said until now.
  void AwaitReading() {
    watch_.Reread(++last_request_);
    EXPECT_THAT(Deliver().answers(), ElementsAre(last_request_));
  }

  FakeClock clock_;
  hypervisor::FakeDialer dialer_;
  hypervisor::FakeHost& host_;
  int64_t last_request_ = 0;

  Mutex mu_;
  CondVar changed_;
  int64_t news_ ABSL_GUARDED_BY(mu_) = 0;

  HostWatch watch_;
};

TEST_F(HostWatchTest, TheFirstReadingIsReportedAndTellsWhoTheHostIs) {
  BeginWithTwoKnown();
  v1::AgentHello hello;
  watch_.FillHello(hello);
  EXPECT_EQ(hello.host_uuid(), "uuid-of-hv1");
  EXPECT_EQ(hello.hostname(), "hv1.example.com");
  EXPECT_EQ(hello.libvirt_version(), "9.0.0");
  EXPECT_EQ(hello.last_epoch(), 7);
  EXPECT_EQ(hello.last_acknowledged(), 1);
  EXPECT_TRUE(watch_.standing().has_tried);
  EXPECT_TRUE(watch_.standing().status.ok());
  EXPECT_EQ(watch_.standing().guests, 2);
}

TEST_F(HostWatchTest, AnEventIsReadAndWhatWasReadIsReported) {
  BeginWithTwoKnown();
  host_.SetGuest(MakeGuest("b", v1::GUEST_STATE_PAUSED));
  host_.EmitGuestEvent({"b"});
  const v1::AgentReport report = Deliver();
  EXPECT_FALSE(report.full());
  ASSERT_THAT(Uuids(report), ElementsAre("b"));
  EXPECT_EQ(report.guests(0).state(), v1::GUEST_STATE_PAUSED);
  EXPECT_THAT(host_.last_request().changed, ElementsAre(GuestId{"b"}));
}

TEST_F(HostWatchTest, AGuestOfWhoseEndAnEventToldIsRemoved) {
  BeginWithTwoKnown();
  host_.RemoveGuest("b");
  host_.EmitGuestEvent({"b"}, hypervisor::GuestEvent::kUndefined);
  const v1::AgentReport report = Deliver();
  EXPECT_FALSE(report.full());
  EXPECT_THAT(report.removed_uuids(), ElementsAre("b"));
}

TEST_F(HostWatchTest, AGuestOfWhichEventsToldSomethingElseIsNotRemoved) {
  BeginWithTwoKnown();
  host_.RemoveGuest("b");
  host_.EmitGuestEvent({"b"});
  const v1::AgentReport report = Deliver();
  EXPECT_TRUE(report.full());
  EXPECT_THAT(Uuids(report), ElementsAre("a"));
  EXPECT_THAT(report.removed_uuids(), IsEmpty());
}

TEST_F(HostWatchTest, AGuestThatCameBackFromAMigrationDoesNotMove) {
  BeginWithTwoKnown();
  host_.HoldReads();
  host_.EmitGuestEvent({"b"}, hypervisor::GuestEvent::kMigratedAway);
  host_.EmitGuestEvent({"b"}, hypervisor::GuestEvent::kPresent);
  host_.RemoveGuest("b");
  watch_.Reread(5);
  host_.ReleaseReads();
  v1::AgentReport report = Deliver();
  while (report.answers().empty()) report = Deliver();
  EXPECT_THAT(Uuids(report), ElementsAre("a"));
  EXPECT_THAT(report.moving_uuids(), IsEmpty());
  EXPECT_THAT(report.removed_uuids(), IsEmpty());
}

TEST_F(HostWatchTest, AGuestThatIsMissingWithoutAnEventIsLeftToTheController) {
  BeginWithTwoKnown();
  host_.RemoveGuest("b");
  clock_.Advance(absl::Minutes(5));
  const v1::AgentReport report = Deliver();
  EXPECT_TRUE(report.full());
  EXPECT_THAT(Uuids(report), ElementsAre("a"));
  EXPECT_THAT(report.removed_uuids(), IsEmpty());
}

TEST_F(HostWatchTest, AGuestThatMigratedAwayMovesUntilItHasHadTimeToArrive) {
  BeginWithTwoKnown();
  host_.RemoveGuest("b");
  host_.EmitGuestEvent({"b"}, hypervisor::GuestEvent::kMigratedAway);
  const v1::AgentReport moving = Deliver();
  EXPECT_THAT(moving.moving_uuids(), ElementsAre("b"));
  EXPECT_THAT(moving.removed_uuids(), IsEmpty());
  const int reads = host_.reads();
  clock_.Advance(absl::Seconds(30));
  const v1::AgentReport gone = Deliver();
  EXPECT_THAT(gone.moving_uuids(), IsEmpty());
  EXPECT_THAT(gone.removed_uuids(), ElementsAre("b"));
  EXPECT_EQ(host_.reads(), reads + 1);
}

TEST_F(HostWatchTest, AGuestThatMigratedAwayAndIsListedStaysWhereItIs) {
  BeginWithTwoKnown();
  host_.EmitGuestEvent({"b"}, hypervisor::GuestEvent::kMigratedAway);
  watch_.Reread(5);
  const v1::AgentReport report = Deliver();
  EXPECT_THAT(report.moving_uuids(), IsEmpty());
  EXPECT_THAT(Uuids(report), ElementsAre("a", "b"));
}

TEST_F(HostWatchTest, ARequestIsNotAnsweredByAReadingThatBeganBefore) {
  BeginWithTwoKnown();
  host_.HoldReads();
  const int reads = host_.reads();
  host_.EmitGuestEvent({"a"});
  ASSERT_TRUE(host_.AwaitReads(reads + 1));
  watch_.Reread(5);
  host_.SetGuest(MakeGuest("b", v1::GUEST_STATE_PAUSED));
  host_.ReleaseReads();
  // The reading that was held saw no change, so this is of the next one.
  const v1::AgentReport report = Deliver();
  EXPECT_THAT(report.answers(), ElementsAre(5));
  EXPECT_TRUE(report.full());
  ASSERT_THAT(Uuids(report), ElementsAre("a", "b"));
  EXPECT_EQ(report.guests(1).state(), v1::GUEST_STATE_PAUSED);
  EXPECT_EQ(host_.reads(), reads + 2);
}

TEST_F(HostWatchTest, AHypervisorThatIsAwayIsReportedAndDialedAgain) {
  BeginWithTwoKnown();
  host_.FailDials(absl::UnavailableError("qemu:///system: refused"));
  host_.Drop("end of file");
  EXPECT_THAT(Deliver().source_error(), HasSubstr("end of file"));
  EXPECT_FALSE(watch_.standing().status.ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Deliver().source_error(), "qemu:///system: refused");
  host_.SetGuest(MakeGuest("b", v1::GUEST_STATE_PAUSED));
  host_.AllowDials();
  clock_.Advance(absl::Minutes(1));
  const v1::AgentReport back = Deliver();
  EXPECT_THAT(back.source_error(), IsEmpty());
  EXPECT_THAT(Uuids(back), ElementsAre("b"));
  EXPECT_TRUE(watch_.standing().status.ok());
}

TEST_F(HostWatchTest, ARequestToAHypervisorThatIsAwayIsAnsweredByTheError) {
  host_.FailDials(absl::UnavailableError("qemu:///system: refused"));
  watch_.Begin(7, /*need_full=*/true);
  watch_.Start();
  EXPECT_EQ(Deliver().source_error(), "qemu:///system: refused");
  const int dials = host_.dials();
  watch_.Reread(5);
  EXPECT_EQ(Deliver().source_error(), "qemu:///system: refused");
  EXPECT_EQ(host_.dials(), dials + 1);
  EXPECT_EQ(watch_.Next(clock_.Uptime()), std::nullopt);
}

TEST_F(HostWatchTest, RequestsOfASessionThatEndedAreForgotten) {
  BeginWithTwoKnown();
  host_.HoldReads();
  const int reads = host_.reads();
  watch_.Reread(5);
  ASSERT_TRUE(host_.AwaitReads(reads + 1));
  watch_.Reread(6);
  watch_.End();
  watch_.Begin(8, /*need_full=*/true);
  host_.ReleaseReads();
  EXPECT_THAT(Deliver().answers(), IsEmpty());
  watch_.Reread(7);
  EXPECT_THAT(Deliver().answers(), ElementsAre(7));
}

TEST_F(HostWatchTest, TheAgeIsThatOfTheReading) {
  BeginWithTwoKnown();
  clock_.Advance(absl::Seconds(3));
  watch_.NeedFull();
  EXPECT_EQ(FromProto(Deliver().age()), absl::Seconds(3));
}

TEST_F(HostWatchTest, IntervalsAreTheControllers) {
  BeginWithTwoKnown();
  v1::AgentSettings settings;
  *settings.mutable_relist_interval() = ToProto(absl::Seconds(30));
  watch_.SetSettings(settings);
  const int reads = host_.reads();
  clock_.Advance(absl::Seconds(30));
  ASSERT_TRUE(host_.AwaitReads(reads + 1));
  EXPECT_TRUE(host_.last_request().everything);
  EXPECT_FALSE(host_.last_request().volatile_values);
  *settings.mutable_volatile_interval() = ToProto(absl::Minutes(1));
  watch_.SetSettings(settings);
  ASSERT_TRUE(host_.AwaitReads(reads + 2));
  EXPECT_TRUE(host_.last_request().volatile_values);
}

TEST_F(HostWatchTest, WhatIsToBeReadMakesANewConnectionWhenItChanges) {
  BeginWithTwoKnown();
  const int dials = host_.dials();
  v1::AgentSettings settings;
  watch_.SetSettings(settings);
  AwaitReading();
  EXPECT_EQ(host_.dials(), dials);
  settings.set_read_volumes(true);
  watch_.SetSettings(settings);
  ASSERT_TRUE(host_.AwaitDials(dials + 1));
  AwaitReading();
  EXPECT_EQ(host_.open_connections(), 1);
}

// Wants to be called again after each reading, once.
class TestKeeper final : public HostWatch::Keeper {
 public:
  absl::Duration Seen(const hypervisor::Inventory& found,
                      absl::Time begun) override {
    MutexLock lock(mu_);
    guests_ = found.guests.size();
    return absl::Seconds(1);
  }
  absl::Duration Keep() override {
    MutexLock lock(mu_);
    ++kept_;
    changed_.NotifyAll();
    return absl::InfiniteDuration();
  }
  // How many guests were kept, once they were; 0 if they are not in a moment.
  size_t AwaitKept() {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Milliseconds(20);
    MutexLock lock(mu_);
    while (kept_ == 0) {
      if (clock.Uptime() >= deadline) return 0;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return guests_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  size_t guests_ ABSL_GUARDED_BY(mu_) = 0;
  int kept_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST_F(HostWatchTest, WhatIsReadIsKeptWhenTheKeeperWants) {
  TestKeeper keeper;
  HostWatch watch(
      {.node = "hv1"}, dialer_, clock_, [] {}, &keeper);
  watch.Start();
  size_t kept = 0;
  const absl::Duration limit = clock_.Uptime() + absl::Hours(1);
  while (kept == 0 && clock_.Uptime() < limit) {
    clock_.Advance(absl::Seconds(1));
    kept = keeper.AwaitKept();
  }
  EXPECT_EQ(kept, 2u);
}

TEST_F(HostWatchTest, StopsBetweenTwoDials) {
  host_.FailDials(absl::UnavailableError("qemu:///system: refused"));
  watch_.Start();
  ASSERT_TRUE(host_.AwaitDials(1));
  watch_.Stop();
  EXPECT_EQ(host_.open_connections(), 0);
}

}  // namespace
}  // namespace rehai::agent
