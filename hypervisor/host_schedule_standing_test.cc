// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What HostSchedule makes of discovery's word, of many hints, and how it shows
// a connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "hypervisor/host_schedule.h"

namespace rehai::hypervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Step = HostSchedule::Step;

const GuestId kWeb{"uuid-web"};
const GuestId kDb{"uuid-db"};
constexpr absl::Duration kStart = absl::Seconds(1000);
constexpr absl::Duration kWindow = absl::Milliseconds(20);
constexpr absl::Duration kKept = absl::Hours(24);

class HostScheduleStandingTest : public testing::Test {
 protected:
  void Advance(absl::Duration by) { now_ += by; }
  bool IsDue(Step step) {
    const HostSchedule::NextStep next = schedule_.Next();
    return next.step == step && next.at <= now_;
  }
  HostSchedule::Reading Read() {
    HostSchedule::Reading reading = schedule_.BeginRead(now_);
    schedule_.ReadEnded(reading, {}, random_);
    return reading;
  }
  void Connect() {
    schedule_.Dialed(now_);
    Read();
    Advance(absl::Seconds(1));
  }
  void Fail() {
    schedule_.Failed(absl::StatusCode::kUnavailable, now_, random_);
  }
  v1::ConnectionState State() { return schedule_.ShownAt(now_).state; }
  absl::Duration Since() { return schedule_.ShownAt(now_).since; }

  absl::Duration now_ = kStart;
  absl::BitGen random_;
  HostSchedule schedule_{
      {.reconnect = {.min = absl::Seconds(1), .max = absl::Seconds(60)},
       .relist_interval = absl::Hours(1000),
       .event_window = kWindow,
       .unknown_after = absl::Hours(1),
       .keep_departed = kKept},
      HostId{"hv1"},
      kStart};
};

TEST_F(HostScheduleStandingTest, AHostThatLeavesIsReadOnceMoreAndClosed) {
  Connect();
  schedule_.Leave(now_);
  ASSERT_TRUE(IsDue(Step::kRead));
  EXPECT_TRUE(Read().request.everything);
  ASSERT_TRUE(IsDue(Step::kClose));
  EXPECT_FALSE(schedule_.is_dead());
  schedule_.ClosedUnwanted(now_);
  EXPECT_EQ(schedule_.Next(),
            (HostSchedule::NextStep{Step::kForget, now_ + kKept}));
}

TEST_F(HostScheduleStandingTest, AReadUnderWayWhenAHostLeavesIsNotTheLast) {
  Connect();
  const HostSchedule::Reading early = schedule_.BeginRead(now_);
  Advance(absl::Milliseconds(1));
  schedule_.Leave(now_);
  schedule_.ReadEnded(early, {}, random_);
  EXPECT_TRUE(IsDue(Step::kRead));
}

TEST_F(HostScheduleStandingTest, AHostThatLeftIsNotDialedNorDeclaredUnknown) {
  Connect();
  Fail();
  schedule_.Leave(now_);
  EXPECT_EQ(schedule_.Next(),
            (HostSchedule::NextStep{Step::kForget, now_ + kKept}));
  EXPECT_FALSE(schedule_.DialNow(now_));
}

TEST_F(HostScheduleStandingTest, ALastReadThatFailsIsTheEndToo) {
  Connect();
  schedule_.Leave(now_);
  schedule_.BeginRead(now_);
  Fail();
  EXPECT_EQ(schedule_.Next().step, Step::kForget);
}

TEST_F(HostScheduleStandingTest, AHostThatReturnsIsDialedAtOnce) {
  Connect();
  schedule_.Leave(now_);
  Read();
  schedule_.ClosedUnwanted(now_);
  Advance(absl::Hours(1));
  schedule_.Return(now_);
  EXPECT_FALSE(schedule_.has_left());
  schedule_.DeclaredUnknown();
  EXPECT_TRUE(IsDue(Step::kDial));
}

TEST_F(HostScheduleStandingTest, AHostThatReturnsBeforeItIsClosedStaysOpen) {
  Connect();
  schedule_.Leave(now_);
  Read();
  ASSERT_TRUE(IsDue(Step::kClose));
  schedule_.Return(now_);
  EXPECT_EQ(schedule_.Next().step, Step::kRead);
}

TEST_F(HostScheduleStandingTest, AnotherUriIsDialedAtOnceWithoutBlame) {
  Connect();
  schedule_.MovedUri(now_);
  ASSERT_TRUE(IsDue(Step::kClose));
  EXPECT_FALSE(schedule_.is_dead());
  schedule_.ClosedUnwanted(now_);
  EXPECT_TRUE(IsDue(Step::kDial));
  EXPECT_EQ(schedule_.failures(), 0);
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_STALE);

  for (int i = 0; i < 10; ++i) Fail();
  schedule_.MovedUri(now_);
  EXPECT_TRUE(IsDue(Step::kDial));
  EXPECT_EQ(schedule_.failures(), 0);
}

TEST_F(HostScheduleStandingTest, WhatIsToBeAnnouncedComesFirst) {
  Connect();
  schedule_.WantReread(now_);
  schedule_.WantAnnounce(now_);
  EXPECT_TRUE(IsDue(Step::kAnnounce));
  schedule_.Announced();
  EXPECT_TRUE(IsDue(Step::kRead));
}

TEST_F(HostScheduleStandingTest, ManyHintsMakeAReadOfEverything) {
  Connect();
  for (size_t i = 0; i < HostSchedule::kMostTargeted; ++i) {
    schedule_.Hinted(GuestId{absl::StrCat(i)}, GuestEvent::kChanged, now_);
  }
  Advance(kWindow);
  const HostSchedule::Reading few = Read();
  EXPECT_FALSE(few.request.everything);
  EXPECT_THAT(few.request.changed, SizeIs(HostSchedule::kMostTargeted));

  for (size_t i = 0; i <= HostSchedule::kMostTargeted; ++i) {
    schedule_.Hinted(GuestId{absl::StrCat(i)}, GuestEvent::kChanged, now_);
  }
  Advance(kWindow);
  const HostSchedule::Reading many = Read();
  EXPECT_TRUE(many.request.everything);
  EXPECT_THAT(many.request.changed, IsEmpty());
  EXPECT_THAT(many.hints.guests, SizeIs(HostSchedule::kMostTargeted + 1));
  EXPECT_FALSE(many.hints.has_more);
}

TEST_F(HostScheduleStandingTest, HintsAreRememberedUpToABound) {
  Connect();
  for (size_t i = 0; i <= HostSchedule::kMostHinted; ++i) {
    schedule_.Hinted(GuestId{absl::StrCat(i)}, GuestEvent::kChanged, now_);
  }
  const HostSchedule::Reading reading = Read();
  EXPECT_THAT(reading.hints.guests, SizeIs(HostSchedule::kMostHinted));
  EXPECT_TRUE(reading.hints.has_more);
  EXPECT_FALSE(schedule_.hints().has_more);
}

TEST_F(HostScheduleStandingTest, AReadKnowsWhenItsHintsWereNoted) {
  Connect();
  const absl::Duration first = now_;
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(kWindow / 2);
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  schedule_.Hinted(kDb, GuestEvent::kChanged, now_);
  schedule_.HostEvent(now_);
  const HostSchedule::Hints hints = Read().hints;
  EXPECT_EQ(hints.guests.at(kWeb).first_at, first);
  EXPECT_EQ(hints.guests.at(kDb).first_at, now_);
  EXPECT_EQ(hints.host, now_);
}

TEST_F(HostScheduleStandingTest, AGuestThatCouldNotBeReadIsNoHint) {
  Connect();
  schedule_.ReadEnded(schedule_.BeginRead(now_), {kWeb.uuid}, random_);
  now_ = schedule_.Next().at;
  const HostSchedule::Reading reading = Read();
  EXPECT_THAT(reading.request.changed, ElementsAre(kWeb));
  EXPECT_THAT(reading.hints.guests, IsEmpty());
}

TEST_F(HostScheduleStandingTest, ALookAtTheListIsTakenWhenItIsWanted) {
  Connect();
  schedule_.WantRead(now_ + absl::Seconds(5));
  Read();
  EXPECT_EQ(schedule_.Next().at, now_ + absl::Seconds(5))
      << "an earlier read does not answer it";
  Advance(absl::Seconds(5));
  EXPECT_FALSE(Read().request.everything);
  EXPECT_FALSE(IsDue(Step::kRead));
}

TEST_F(HostScheduleStandingTest, ShowsHowTheConnectionFares) {
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DIALING);
  EXPECT_EQ(Since(), kStart);
  schedule_.Dialed(now_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DIALING) << "it is not read yet";
  Advance(absl::Seconds(1));
  Read();
  const absl::Duration up = now_;
  Advance(absl::Seconds(1));
  Read();
  EXPECT_EQ(State(), v1::CONNECTION_STATE_UP);
  EXPECT_EQ(Since(), up);

  Fail();
  const absl::Duration down = now_;
  Advance(absl::Milliseconds(100));
  EXPECT_EQ(State(), v1::CONNECTION_STATE_WAITING);
  EXPECT_EQ(Since(), down);
  EXPECT_EQ(schedule_.failures(), 1);
  now_ = schedule_.dial_at();
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DIALING);
  EXPECT_EQ(Since(), now_);

  Connect();
  schedule_.Leave(now_);
  Read();
  EXPECT_EQ(State(), v1::CONNECTION_STATE_UP);
  schedule_.ClosedUnwanted(now_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DEPARTED);
  EXPECT_EQ(Since(), now_);
}

TEST_F(HostScheduleStandingTest, AHostWhoseWaitIsLongestIsInQuarantine) {
  for (int i = 0; i < 6; ++i) {  // 1, 2, 4, 8, 16, 32 s
    Fail();
    EXPECT_EQ(State(), v1::CONNECTION_STATE_WAITING);
  }
  Fail();
  EXPECT_EQ(State(), v1::CONNECTION_STATE_QUARANTINED);
  EXPECT_EQ(schedule_.failures(), 7);
}

TEST_F(HostScheduleStandingTest, AUriThatCanNeverWorkIsInQuarantineAtOnce) {
  schedule_.Failed(absl::StatusCode::kInvalidArgument, now_, random_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_QUARANTINED);
}

TEST_F(HostScheduleStandingTest, AnOperatorEndsTheWaitAndOnlyAWait) {
  EXPECT_FALSE(schedule_.DialNow(now_)) << "it is due already";
  for (int i = 0; i < 10; ++i) Fail();
  EXPECT_TRUE(schedule_.DialNow(now_));
  EXPECT_TRUE(IsDue(Step::kDial));
  EXPECT_FALSE(schedule_.DialNow(now_));
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DIALING);
  Fail();
  schedule_.WantReread(now_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DIALING);
  EXPECT_EQ(Since(), now_) << "not when its wait would have ended";
  Connect();
  EXPECT_FALSE(schedule_.DialNow(now_));
}

TEST_F(HostScheduleStandingTest, AHostWhoseAgentSpeaksIsLeftAlone) {
  Connect();
  schedule_.AgentSpoke(now_);
  EXPECT_TRUE(IsDue(Step::kClose));
  schedule_.ClosedUnwanted(now_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_AGENT);
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_CURRENT) << "it is not down";
  Advance(absl::Hours(2000));
  EXPECT_FALSE(IsDue(Step::kAsk));
  EXPECT_FALSE(schedule_.DialNow(now_));
  schedule_.WantReread(now_);
  EXPECT_TRUE(IsDue(Step::kAsk));
  schedule_.Asked(now_);
  EXPECT_FALSE(IsDue(Step::kAsk));
}

TEST_F(HostScheduleStandingTest,
       AConnectionThatAnAgentOvertookIsShownUntilItIsClosed) {
  schedule_.Dialed(now_);  // and being read
  schedule_.AgentSpoke(now_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_DIALING);
  schedule_.ClosedUnwanted(now_);
  EXPECT_EQ(State(), v1::CONNECTION_STATE_AGENT);
}

TEST_F(HostScheduleStandingTest, AHostWhoseAgentFallsSilentIsDialedLater) {
  EXPECT_FALSE(schedule_.AgentFellSilent(now_, absl::Seconds(30)));
  EXPECT_TRUE(IsDue(Step::kDial)) << "its agent has not spoken";
  EXPECT_EQ(schedule_.AgentSpoke(now_), std::nullopt);
  EXPECT_TRUE(schedule_.AgentFellSilent(now_, absl::Seconds(30)));
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_STALE);
  EXPECT_FALSE(IsDue(Step::kDial));
  Advance(absl::Seconds(30));
  EXPECT_TRUE(IsDue(Step::kDial));
  EXPECT_EQ(schedule_.AgentSpoke(now_), absl::Seconds(30));
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_CURRENT);
}

// The worker that closes it may be the slower.
TEST_F(HostScheduleStandingTest,
       AConnectionClosedAfterTheAgentFellSilentWaits) {
  Connect();
  const HostSchedule::Reading reading = schedule_.BeginRead(now_);
  schedule_.AgentSpoke(now_);
  schedule_.AgentFellSilent(now_, absl::Seconds(30));
  schedule_.ReadEnded(reading, {}, random_);
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_STALE);
  schedule_.ClosedUnwanted(now_);
  EXPECT_EQ(schedule_.Next(),
            (HostSchedule::NextStep{Step::kDial, now_ + absl::Seconds(30)}));
}

TEST_F(HostScheduleStandingTest, AHostWithoutAUriIsNeverDialed) {
  schedule_.SetDialable(false);
  EXPECT_FALSE(schedule_.is_reachable());
  EXPECT_EQ(State(), v1::CONNECTION_STATE_NO_URI);
  schedule_.WantReread(now_);
  EXPECT_FALSE(schedule_.DialNow(now_));
  EXPECT_FALSE(IsDue(Step::kDial));
  schedule_.Asked(now_);
  schedule_.AgentSpoke(now_);
  EXPECT_TRUE(schedule_.is_reachable());
  schedule_.AgentFellSilent(now_, absl::ZeroDuration());
  Advance(absl::Hours(1));
  EXPECT_TRUE(IsDue(Step::kDeclareUnknown));
  schedule_.DeclaredUnknown();
  EXPECT_FALSE(IsDue(Step::kDial));
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_UNKNOWN);
}

}  // namespace
}  // namespace rehai::hypervisor
