// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/missed_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

const GuestId kWeb{"uuid-web"};
const GuestId kDb{"uuid-db"};
constexpr absl::Duration kGrace = MissedEvents::kGrace;

class MissedEventsTest : public testing::Test {
 protected:
  void Advance(absl::Duration by) { now_ += by; }
  void Tell(const GuestId& guest) { missed_.Told(guest, now_); }
  // A read that takes a moment and finds these changed.
  void Read(const std::vector<GuestId>& eventful = {}) {
    const absl::Duration begun = now_;
    Advance(absl::Milliseconds(10));
    missed_.ReadEnded(eventful, begun, now_);
    Advance(absl::Seconds(1));
  }
  int64_t CountAfterGrace() {
    Advance(kGrace);
    return missed_.Count(now_);
  }

  absl::Duration now_ = absl::Seconds(1000);
  MissedEvents missed_;
};

TEST_F(MissedEventsTest, AChangeThatNoEventToldOfIsMissed) {
  Read();
  Read({kWeb, kDb});
  EXPECT_EQ(CountAfterGrace(), 2);
}

TEST_F(MissedEventsTest, TheFirstReadOfAConnectionMissesNothing) {
  Read({kWeb});
  EXPECT_EQ(CountAfterGrace(), 0);
  Read();
  missed_.Lost(now_);
  Read({kDb});
  EXPECT_EQ(CountAfterGrace(), 0);
}

TEST_F(MissedEventsTest, AnEventBeforeTheReadTellsOfTheChange) {
  Read();
  Tell(kWeb);
  Read({kWeb});
  EXPECT_EQ(CountAfterGrace(), 0);
}

TEST_F(MissedEventsTest, AnEventWhileTheReadIsUnderWayTellsOfTheChange) {
  Read();
  const absl::Duration begun = now_;
  Advance(absl::Milliseconds(5));
  Tell(kWeb);
  missed_.ReadEnded({kWeb}, begun, now_);
  EXPECT_EQ(CountAfterGrace(), 0);
}

TEST_F(MissedEventsTest, AnEventMayBeSlowerThanTheReadButNotByMuch) {
  Read();
  Read({kWeb, kDb});
  Tell(kWeb);
  EXPECT_EQ(missed_.Count(now_), 0) << "the other's event may be on its way";
  Advance(kGrace);
  Tell(kDb);
  EXPECT_EQ(missed_.Count(now_), 1);
}

TEST_F(MissedEventsTest, AnEventThatAnEarlierReadAnsweredDoesNotTellOfMore) {
  Read();
  Tell(kWeb);
  Advance(absl::Seconds(1));
  Read({kWeb});
  Read({kWeb});
  EXPECT_EQ(CountAfterGrace(), 1);
}

TEST_F(MissedEventsTest, AnEventThatAReadWasTooEarlyForTellsOfTheNextOnesFind) {
  Read();
  const absl::Duration begun = now_;
  Advance(absl::Milliseconds(5));
  Tell(kWeb);
  missed_.ReadEnded({}, begun, now_);
  Advance(absl::Seconds(1));
  Read({kWeb});
  EXPECT_EQ(CountAfterGrace(), 0);
}

TEST_F(MissedEventsTest, ALostConnectionTakesTheEventsOnTheirWayWithIt) {
  Read();
  Read({kWeb});
  missed_.Lost(now_);
  EXPECT_EQ(CountAfterGrace(), 0);

  Read();
  Read({kWeb});
  Advance(kGrace);
  missed_.Lost(now_);
  EXPECT_EQ(missed_.Count(now_), 1) << "its time was over before";
}

TEST_F(MissedEventsTest, MoreEventsThanAreRememberedExcuseEveryGuest) {
  Read();
  for (int i = 0; i < 5000; ++i) Tell(GuestId{absl::StrCat(i)});
  Read({kWeb});
  EXPECT_EQ(CountAfterGrace(), 0);
  Read();
  Read({kWeb});
  EXPECT_EQ(CountAfterGrace(), 1) << "that is over";
}

TEST_F(MissedEventsTest, AnOperatorIsToldOncePerHourAtMost) {
  EXPECT_EQ(missed_.TakeReport(now_), std::nullopt);
  Read();
  Read({kWeb});
  Advance(kGrace);
  EXPECT_EQ(missed_.TakeReport(now_), 1);
  Read({kWeb, kDb});
  Advance(kGrace);
  EXPECT_EQ(missed_.TakeReport(now_), std::nullopt);
  Advance(MissedEvents::kReportInterval);
  EXPECT_EQ(missed_.TakeReport(now_), 2);
  EXPECT_EQ(missed_.TakeReport(now_), std::nullopt);
}

}  // namespace
}  // namespace rehai
