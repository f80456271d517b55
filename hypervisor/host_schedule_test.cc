// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/host_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace rehai::hypervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = HostSchedule::Step;

const GuestId kWeb{"uuid-web"};
const GuestId kDb{"uuid-db"};
constexpr absl::StatusCode kUnavailable = absl::StatusCode::kUnavailable;

HostSchedule::Options TestOptions() {
  return {.reconnect = {.min = absl::Seconds(1), .max = absl::Seconds(60)},
          .relist_interval = absl::Hours(24),
          .event_window = absl::Milliseconds(20),
          .unknown_after = absl::Seconds(3600)};
}

class HostScheduleTest : public testing::Test {
 protected:
  explicit HostScheduleTest(
      const HostSchedule::Options& options = TestOptions())
      : schedule_(options, HostId{"hv1"}, absl::Seconds(1000)) {}

  static absl::Duration Window() { return TestOptions().event_window; }

  void Advance(absl::Duration by) { now_ += by; }
  bool IsDue(Step step) {
    const HostSchedule::NextStep next = schedule_.Next();
    return next.step == step && next.at <= now_;
  }

  // A read from begin to end; what it asked for.
  ReadRequest Read(const std::vector<std::string>& unread = {}) {
    const HostSchedule::Reading reading = schedule_.BeginRead(now_);
    schedule_.ReadEnded(reading, unread, random_);
    return reading.request;
  }
  void Connect() {
    schedule_.Dialed(now_);
    Read();
  }
  bool Fail(absl::StatusCode code = kUnavailable) {
    return schedule_.Failed(code, now_, random_);
  }
  // How long the host is left alone from now.
  absl::Duration Wait() { return schedule_.dial_at() - now_; }

  absl::Duration now_ = absl::Seconds(1000);
  absl::BitGen random_;
  HostSchedule schedule_;
};

HostSchedule::Options HourlyVolatile() {
  HostSchedule::Options options = TestOptions();
  options.volatile_interval = absl::Hours(1);
  options.relist_interval = absl::Hours(1000);
  return options;
}

class HostScheduleVolatileTest : public HostScheduleTest {
 protected:
  HostScheduleVolatileTest() : HostScheduleTest(HourlyVolatile()) {}
};

TEST_F(HostScheduleTest, ANewHostIsDialedAtOnceAndThenReadWhole) {
  EXPECT_TRUE(IsDue(Step::kDial));
  schedule_.Dialed(now_);
  EXPECT_TRUE(IsDue(Step::kRead));
  const ReadRequest request = Read();
  EXPECT_TRUE(request.everything);
  EXPECT_THAT(request.changed, IsEmpty());
  EXPECT_FALSE(IsDue(Step::kRead));
}

TEST_F(HostScheduleTest, AnEventAfterAQuietTimeIsFollowedByAReadAtOnce) {
  Connect();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  EXPECT_TRUE(IsDue(Step::kRead));
  EXPECT_THAT(Read().changed, ElementsAre(kWeb));
  Advance(Window());
  schedule_.HostEvent(now_);
  EXPECT_TRUE(IsDue(Step::kRead));
}

TEST_F(HostScheduleTest, EventsThatFollowWithinTheWindowMakeOneRead) {
  Connect();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Read();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(Window() / 2);
  EXPECT_FALSE(IsDue(Step::kRead));
  schedule_.Hinted(kDb, GuestEvent::kChanged, now_);
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(Window() / 2);
  EXPECT_TRUE(IsDue(Step::kRead)) << "later events put the read off";

  const ReadRequest request = Read();

  EXPECT_FALSE(request.everything);
  EXPECT_FALSE(request.host);
  EXPECT_THAT(request.changed, ElementsAre(kDb, kWeb));
  EXPECT_FALSE(IsDue(Step::kRead));
}

TEST_F(HostScheduleTest, AHostEventReadsTheHostsFacts) {
  Connect();
  schedule_.HostEvent(now_);
  Advance(Window());
  ASSERT_TRUE(IsDue(Step::kRead));
  const ReadRequest request = Read();
  EXPECT_TRUE(request.host);
  EXPECT_FALSE(request.everything);
  EXPECT_THAT(request.changed, IsEmpty());
}

TEST_F(HostScheduleTest, AnEventDuringAReadMakesAnotherRead) {
  Connect();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(Window());
  const HostSchedule::Reading first = schedule_.BeginRead(now_);
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(Window());
  schedule_.ReadEnded(first, {}, random_);
  EXPECT_TRUE(IsDue(Step::kRead));
  EXPECT_THAT(Read().changed, ElementsAre(kWeb));
}

TEST_F(HostScheduleTest, ARereadDoesNotWaitForTheWindow) {
  Connect();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  schedule_.WantReread(now_);
  EXPECT_TRUE(IsDue(Step::kRead));
  const ReadRequest request = Read();
  EXPECT_TRUE(request.everything);
  EXPECT_THAT(request.changed, IsEmpty());
  Advance(Window());
  EXPECT_FALSE(IsDue(Step::kRead)) << "the event was answered already";
}

TEST_F(HostScheduleTest, ARereadWantedDuringAReadMakesAnotherRead) {
  Connect();
  schedule_.WantReread(now_);
  const HostSchedule::Reading first = schedule_.BeginRead(now_);
  EXPECT_FALSE(schedule_.reread_wanted());
  schedule_.WantReread(now_);
  schedule_.ReadEnded(first, {}, random_);
  EXPECT_TRUE(IsDue(Step::kRead));
  EXPECT_TRUE(Read().everything);
  EXPECT_FALSE(schedule_.reread_wanted());
}

TEST_F(HostScheduleTest, EverythingIsReadAgainEveryInterval) {
  Connect();
  absl::Duration last = now_;
  for (int round = 0; round < 5; ++round) {
    now_ = schedule_.Next().at;
    EXPECT_LE(now_ - last, TestOptions().relist_interval);
    if (round > 0) {
      EXPECT_EQ(now_ - last, TestOptions().relist_interval);
    }
    last = now_;
    EXPECT_TRUE(Read().everything);
  }
}

TEST_F(HostScheduleTest, ARelistAnswersTheHints) {
  Connect();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(TestOptions().relist_interval);
  const ReadRequest request = Read();
  EXPECT_TRUE(request.everything);
  EXPECT_THAT(request.changed, IsEmpty());
}

TEST_F(HostScheduleTest, VolatileValuesAreNeverReadUnlessAskedFor) {
  Connect();
  schedule_.WantReread(now_);
  EXPECT_FALSE(Read().volatile_values);
  Advance(TestOptions().relist_interval);
  EXPECT_FALSE(Read().volatile_values);
}

TEST_F(HostScheduleTest, AShorterRelistIntervalCountsAtOnce) {
  Connect();
  HostSchedule::Intervals intervals = schedule_.intervals();
  EXPECT_EQ(intervals.relist, absl::Hours(24));
  intervals.relist = absl::Minutes(5);
  schedule_.SetIntervals(intervals, now_);
  EXPECT_FALSE(IsDue(Step::kRead));
  Advance(absl::Minutes(5));
  ASSERT_TRUE(IsDue(Step::kRead));
  EXPECT_TRUE(Read().everything);
  Advance(absl::Minutes(5));
  EXPECT_TRUE(IsDue(Step::kRead));
}

TEST_F(HostScheduleTest, ARelistThatIsDueStaysDueWhateverItsInterval) {
  schedule_.Dialed(now_);
  HostSchedule::Intervals intervals = schedule_.intervals();
  intervals.relist = absl::Hours(1000);
  schedule_.SetIntervals(intervals, now_);
  EXPECT_TRUE(IsDue(Step::kRead));
}

TEST_F(HostScheduleTest, ALongerEventWindowCountsAtOnce) {
  Connect();
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Read();
  HostSchedule::Intervals intervals = schedule_.intervals();
  intervals.event_window = absl::Seconds(3);
  schedule_.SetIntervals(intervals, now_);
  schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
  Advance(Window());
  EXPECT_FALSE(IsDue(Step::kRead));
  Advance(absl::Seconds(3));
  EXPECT_TRUE(IsDue(Step::kRead));
}

TEST_F(HostScheduleTest, VolatileValuesCanBeWantedLaterAndNoMore) {
  Connect();
  HostSchedule::Intervals intervals = schedule_.intervals();
  intervals.volatile_values = absl::Minutes(1);
  schedule_.SetIntervals(intervals, now_);
  ASSERT_TRUE(IsDue(Step::kRead));
  EXPECT_TRUE(Read().volatile_values);
  EXPECT_FALSE(IsDue(Step::kRead));
  intervals.volatile_values = absl::InfiniteDuration();
  schedule_.SetIntervals(intervals, now_);
  Advance(absl::Minutes(1));
  EXPECT_FALSE(IsDue(Step::kRead));
}

TEST_F(HostScheduleVolatileTest, AreReadFirstAndThenAtTheirOwnPace) {
  schedule_.Dialed(now_);
  ASSERT_TRUE(Read().volatile_values);
  absl::Duration last = schedule_.Next().at;
  ASSERT_LE(last, now_ + absl::Hours(1));
  for (int round = 0; round < 5; ++round) {
    // What happens in between does not bring them forward.
    schedule_.Hinted(kWeb, GuestEvent::kChanged, now_);
    Advance(Window());
    EXPECT_FALSE(Read().volatile_values);
    schedule_.WantReread(now_);
    EXPECT_FALSE(Read().volatile_values);
    now_ = last;
    ASSERT_TRUE(IsDue(Step::kRead));
    const ReadRequest request = Read();
    EXPECT_TRUE(request.volatile_values);
    EXPECT_FALSE(request.everything);
    EXPECT_EQ(schedule_.Next().at, last + absl::Hours(1));
    last = schedule_.Next().at;
  }
}

TEST_F(HostScheduleVolatileTest, SurviveAReconnectAndAFailedReadIsMadeUp) {
  Connect();
  Fail();
  schedule_.Dialed(now_);
  EXPECT_FALSE(Read().volatile_values);

  Advance(absl::Hours(1));
  EXPECT_TRUE(schedule_.BeginRead(now_).request.volatile_values);
  Fail();
  schedule_.Dialed(now_);
  EXPECT_TRUE(Read().volatile_values);
}

TEST(HostScheduleSpreadTest, ManyHostsAreRelistedEvenlyOverTheInterval) {
  constexpr int kHosts = 1000;
  constexpr int kParts = 10;
  const absl::Duration now = absl::Seconds(12345);
  absl::BitGen random;
  std::map<int, int> per_part;
  for (int i = 0; i < kHosts; ++i) {
    HostSchedule schedule(TestOptions(), HostId{absl::StrCat("hv", i)}, now);
    schedule.Dialed(now);
    schedule.ReadEnded(schedule.BeginRead(now), {}, random);
    const absl::Duration wait = schedule.Next().at - now;
    ASSERT_GT(wait, absl::ZeroDuration());
    ++per_part[wait * kParts / TestOptions().relist_interval];
  }
  for (int part = 0; part < kParts; ++part) {
    EXPECT_GT(per_part[part], kHosts / kParts / 2) << "part " << part;
    EXPECT_LT(per_part[part], kHosts / kParts * 2) << "part " << part;
  }
}

TEST_F(HostScheduleTest, WaitsGrowWithEachFailureUpToTheLongest) {
  const int whole_seconds[] = {1, 2, 4, 8, 16, 32, 60, 60};
  for (const int whole : whole_seconds) {
    Fail();
    EXPECT_EQ(schedule_.Next().step, Step::kDial);
    EXPECT_GE(Wait(), absl::Seconds(whole) / 2);
    EXPECT_LE(Wait(), absl::Seconds(whole));
    Advance(Wait());
  }
}

TEST_F(HostScheduleTest, HostsThatFailTogetherComeBackApart) {
  std::set<absl::Duration> waits;
  for (int i = 0; i < 100; ++i) {
    HostSchedule schedule(TestOptions(), HostId{"hv1"}, now_);
    schedule.Failed(kUnavailable, now_, random_);
    waits.insert(schedule.dial_at() - now_);
  }
  EXPECT_GT(waits.size(), 90u);
}

TEST_F(HostScheduleTest, AUriThatCanNeverWorkWaitsLongestAtOnce) {
  Fail(absl::StatusCode::kInvalidArgument);
  EXPECT_GE(Wait(), absl::Seconds(30));
  EXPECT_LE(Wait(), absl::Seconds(60));
}

TEST_F(HostScheduleTest, ADialThatLeadsToNoReadDoesNotShortenTheWait) {
  for (int i = 0; i < 6; ++i) {
    Fail();
    schedule_.Dialed(now_);
    schedule_.BeginRead(now_);
  }
  Fail();
  EXPECT_GE(Wait(), absl::Seconds(30));
}

TEST_F(HostScheduleTest, AGoodReadForgetsEarlierFailures) {
  for (int i = 0; i < 6; ++i) Fail();
  Connect();
  Advance(absl::Hours(1));
  Fail();
  EXPECT_LE(Wait(), absl::Seconds(1));
}

TEST_F(HostScheduleTest, AHostThatComesAndGoesIsLeftAloneForLonger) {
  for (int i = 0; i < 7; ++i) {
    Connect();
    Advance(absl::Seconds(5));
    Fail();
  }
  EXPECT_GE(Wait(), absl::Seconds(30));

  Connect();
  Advance(TestOptions().reconnect.max);  // it has settled
  Fail();
  EXPECT_LE(Wait(), absl::Seconds(1));
}

TEST_F(HostScheduleTest, ADeadConnectionIsTakenDownBeforeAnythingElse) {
  Connect();
  schedule_.WantReread(now_);
  schedule_.Closed(now_);
  EXPECT_TRUE(IsDue(Step::kClose));
  Fail();
  EXPECT_TRUE(IsDue(Step::kDial)) << "somebody waits for the reread";
  EXPECT_TRUE(schedule_.reread_wanted());
}

TEST_F(HostScheduleTest, AConnectionMayDieBeforeItsDialIsReported) {
  schedule_.Closed(now_);
  EXPECT_EQ(schedule_.Next().step, Step::kDial);
  schedule_.Dialed(now_);
  EXPECT_TRUE(IsDue(Step::kClose));
  Fail();
  schedule_.Dialed(now_);
  EXPECT_TRUE(IsDue(Step::kRead)) << "the new connection is not the dead one";
}

TEST_F(HostScheduleTest, ARereadDialsAtOnceAndAFailedDialAnswersIt) {
  Fail();
  EXPECT_FALSE(IsDue(Step::kDial));
  schedule_.WantReread(now_);
  EXPECT_TRUE(IsDue(Step::kDial));
  Fail();
  EXPECT_FALSE(schedule_.reread_wanted());
  EXPECT_FALSE(IsDue(Step::kDial));
}

TEST_F(HostScheduleTest, AnOutageBeginsOnceAndTellsItsLength) {
  Connect();
  EXPECT_TRUE(Fail());
  Advance(absl::Seconds(10));
  EXPECT_FALSE(Fail());
  Advance(absl::Seconds(20));
  schedule_.Dialed(now_);
  EXPECT_EQ(schedule_.ReadEnded(schedule_.BeginRead(now_), {}, random_),
            absl::Seconds(30));
  EXPECT_EQ(schedule_.ReadEnded(schedule_.BeginRead(now_), {}, random_),
            std::nullopt);
  EXPECT_TRUE(Fail());
}

TEST_F(HostScheduleTest, PresenceFollowsTheOutage) {
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_NEVER_SEEN);
  Fail();
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_NEVER_SEEN);
  Connect();
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_CURRENT);
  Fail();
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_STALE);
  schedule_.DeclaredUnknown();
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_UNKNOWN);
  Connect();
  EXPECT_EQ(schedule_.presence(), v1::PRESENCE_CURRENT);
}

TEST_F(HostScheduleTest, AHostThatStaysDownIsDeclaredUnknownOnce) {
  Connect();
  const absl::Duration down_since = now_;
  Fail();
  while (schedule_.Next().step == Step::kDial) {
    now_ = schedule_.Next().at;
    Fail();
  }
  EXPECT_EQ(schedule_.Next().step, Step::kDeclareUnknown);
  EXPECT_EQ(schedule_.Next().at, down_since + TestOptions().unknown_after);
  schedule_.DeclaredUnknown();
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(schedule_.Next().step, Step::kDial);
    now_ = schedule_.Next().at;
    Fail();
  }
}

TEST_F(HostScheduleTest, AHostNeverSeenIsNotDeclaredUnknown) {
  for (int i = 0; i < 200; ++i) {
    Fail();
    ASSERT_EQ(schedule_.Next().step, Step::kDial);
    Advance(Wait());
  }
}

TEST_F(HostScheduleTest, UnreadGuestsAreTriedAgainLessAndLessOften) {
  Connect();
  schedule_.WantReread(now_);
  Read({kWeb.uuid});
  const int whole_seconds[] = {1, 2, 4, 8};
  for (const int whole : whole_seconds) {
    const absl::Duration wait = schedule_.Next().at - now_;
    EXPECT_GE(wait, absl::Seconds(whole) / 2);
    EXPECT_LE(wait, absl::Seconds(whole));
    Advance(wait);
    EXPECT_THAT(Read({kWeb.uuid}).changed, ElementsAre(kWeb));
  }
  now_ = schedule_.Next().at;
  EXPECT_THAT(Read().changed, ElementsAre(kWeb));
  EXPECT_GT(schedule_.Next().at, now_ + absl::Seconds(60)) << "still tried";
}

}  // namespace
}  // namespace rehai::hypervisor
