// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/dirty_set.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/sync/lane_turns.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

const HostId kHost{"hv1"};
const HostId kOther{"hv2"};
constexpr absl::Duration kWindow = absl::Milliseconds(200);

// A moment of the test, in milliseconds.
absl::Duration At(int ms) { return absl::Milliseconds(ms); }

// Who is taken, whatever for.
std::optional<HostId> TakeHost(DirtySet& dirty, absl::Duration now) {
  std::optional<DirtySet::Taken> taken = dirty.Take(now);
  if (!taken.has_value()) return std::nullopt;
  return std::move(taken->host);
}

// Somebody waits for the host.
void Ask(DirtySet& dirty, const HostId& host, absl::Duration now) {
  dirty.Force(host, v1::LANE_USER, v1::WRITE_CAUSE_REQUEST, now);
}

TEST(DirtySetTest, IsDueOneWindowAfterTheFirstMark) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Mark(kHost, 2, At(150));
  EXPECT_EQ(dirty.NextDue(), At(200));
  EXPECT_EQ(TakeHost(dirty, At(199)), std::nullopt);
  EXPECT_EQ(TakeHost(dirty, At(200)), kHost);
}

TEST(DirtySetTest, IsNotTakenTwiceAtOnce) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  ASSERT_EQ(TakeHost(dirty, At(200)), kHost);
  dirty.Mark(kHost, 2, At(210));
  Ask(dirty, kHost, At(220));
  EXPECT_EQ(TakeHost(dirty, At(10000)), std::nullopt);
}

TEST(DirtySetTest, IsCleanAfterAcknowledge) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Acknowledge(kHost, 1);
  EXPECT_EQ(dirty.Find(kHost), std::nullopt);
  EXPECT_EQ(dirty.depth(), 0u);
  EXPECT_EQ(dirty.NextDue(), absl::InfiniteDuration());
}

TEST(DirtySetTest, MarkDuringWriteSurvivesAcknowledge) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Mark(kHost, 2, At(250));
  dirty.Mark(kHost, 3, At(300));
  dirty.Acknowledge(kHost, 1);
  // Its window is counted from its own first mark.
  EXPECT_EQ(dirty.NextDue(), At(450));
  EXPECT_EQ(TakeHost(dirty, At(450)), kHost);
}

TEST(DirtySetTest, AcknowledgeCoversMarksThatWereWritten) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Mark(kHost, 2, At(201));  // before the record was read
  dirty.Acknowledge(kHost, 2);
  EXPECT_EQ(dirty.Find(kHost), std::nullopt);
}

TEST(DirtySetTest, AcknowledgeOfAnOlderRevisionLeavesTheHostDue) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 5, At(0));
  dirty.Take(At(200));
  dirty.Acknowledge(kHost, 4);
  EXPECT_EQ(TakeHost(dirty, At(200)), kHost);
}

TEST(DirtySetTest, MarksThatCameLateAndOldChangeNothing) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 5, At(0));
  dirty.Take(At(200));
  dirty.Mark(kHost, 4, At(300));
  dirty.Acknowledge(kHost, 5);
  EXPECT_EQ(dirty.Find(kHost), std::nullopt);
}

TEST(DirtySetTest, LongestDueIsTakenFirst) {
  DirtySet dirty(kWindow);
  dirty.Mark(kOther, 1, At(0));
  dirty.Mark(kHost, 2, At(10));
  EXPECT_EQ(TakeHost(dirty, At(1000)), kOther);
  EXPECT_EQ(TakeHost(dirty, At(1000)), kHost);
}

TEST(DirtySetTest, RetryWaitsAndAMarkDoesNotShortenTheWait) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Retry(kHost, At(5000));
  dirty.Mark(kHost, 2, At(300));
  EXPECT_EQ(TakeHost(dirty, At(4999)), std::nullopt);
  EXPECT_EQ(TakeHost(dirty, At(5000)), kHost);
}

TEST(DirtySetTest, RetryNowEndsTheWaitsOfRetriesOnly) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Retry(kHost, At(5000));
  dirty.Mark(kOther, 2, At(200));
  dirty.Take(At(400));
  dirty.Park(kOther, 2, /*recheck_at=*/At(9000));
  dirty.RetryNow(At(500));
  EXPECT_EQ(TakeHost(dirty, At(500)), kHost);
  EXPECT_EQ(dirty.NextDue(), At(9000));
}

TEST(DirtySetTest, ParkedStaysParkedUntilANewerMark) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 3, At(0));
  dirty.Take(At(200));
  dirty.Park(kHost, 3);
  dirty.Mark(kHost, 2, At(300));
  dirty.Mark(kHost, 3, At(300));
  dirty.RetryNow(At(300));
  EXPECT_EQ(dirty.NextDue(), absl::InfiniteDuration());
  EXPECT_TRUE(dirty.Find(kHost)->parked);

  dirty.Mark(kHost, 4, At(400));
  EXPECT_FALSE(dirty.Find(kHost)->parked);
  EXPECT_EQ(TakeHost(dirty, At(600)), kHost);
}

TEST(DirtySetTest, MarkDuringAWriteThatParksIsTried) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Mark(kHost, 2, At(250));
  dirty.Park(kHost, 1);
  EXPECT_FALSE(dirty.Find(kHost)->parked);
  EXPECT_EQ(TakeHost(dirty, At(450)), kHost);
}

TEST(DirtySetTest, ParkedIsRecheckedAtItsTime) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Park(kHost, 1, /*recheck_at=*/At(9000));
  EXPECT_EQ(TakeHost(dirty, At(8999)), std::nullopt);
  ASSERT_EQ(TakeHost(dirty, At(9000)), kHost);
  // Parked until the recheck says otherwise.
  EXPECT_TRUE(dirty.Find(kHost)->parked);
  dirty.Acknowledge(kHost, 1);
  EXPECT_EQ(dirty.parked(), 0u);
}

TEST(DirtySetTest, AMarkBringsForwardARecheckButNotAForcedTry) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Park(kHost, 1, /*recheck_at=*/At(9000));
  dirty.Mark(kHost, 2, At(300));
  EXPECT_EQ(dirty.NextDue(), At(500));
  Ask(dirty, kHost, At(310));
  dirty.Mark(kHost, 3, At(320));
  EXPECT_EQ(dirty.NextDue(), At(310));
}

TEST(DirtySetTest, ForceMakesAnyHostDueAtOnce) {
  DirtySet dirty(kWindow);
  // Clean.
  Ask(dirty, kHost, At(0));
  EXPECT_EQ(TakeHost(dirty, At(0)), kHost);
  // Waiting for its retry.
  dirty.Retry(kHost, At(5000));
  Ask(dirty, kHost, At(10));
  EXPECT_EQ(TakeHost(dirty, At(10)), kHost);
  // Parked.
  dirty.Park(kHost, 0);
  Ask(dirty, kHost, At(20));
  EXPECT_EQ(TakeHost(dirty, At(20)), kHost);
  // Waiting for its window.
  dirty.Mark(kOther, 1, At(20));
  Ask(dirty, kOther, At(30));
  EXPECT_EQ(TakeHost(dirty, At(30)), kOther);
}

TEST(DirtySetTest, ForceDuringAWriteMakesAnotherTryHoweverItEnds) {
  for (int end = 0; end < 3; ++end) {
    SCOPED_TRACE(end);
    DirtySet dirty(kWindow);
    dirty.Mark(kHost, 1, At(0));
    dirty.Take(At(200));
    Ask(dirty, kHost, At(210));
    if (end == 0) dirty.Acknowledge(kHost, 1);
    if (end == 1) dirty.Retry(kHost, At(5000));
    if (end == 2) dirty.Park(kHost, 1);
    EXPECT_EQ(TakeHost(dirty, At(210)), kHost);
    // Once.
    dirty.Acknowledge(kHost, 1);
    EXPECT_EQ(dirty.Find(kHost), std::nullopt);
  }
}

TEST(DirtySetTest, AgeIsThatOfTheOldestMarkNotWritten) {
  DirtySet dirty(kWindow);
  EXPECT_EQ(dirty.OldestAge(At(1000)), absl::ZeroDuration());
  dirty.Mark(kHost, 1, At(0));
  dirty.Mark(kOther, 2, At(100));
  EXPECT_EQ(dirty.OldestAge(At(1000)), At(1000));

  // A retry does not make it younger.
  dirty.Take(At(200));
  dirty.Mark(kHost, 3, At(400));
  dirty.Retry(kHost, At(5000));
  EXPECT_EQ(dirty.OldestAge(At(1000)), At(1000));

  // Written, but for the mark made meanwhile.
  dirty.Take(At(5000));  // kOther
  dirty.Take(At(5000));  // kHost
  dirty.Mark(kHost, 4, At(5100));
  dirty.Acknowledge(kHost, 3);
  EXPECT_EQ(dirty.OldestAge(At(6000)), At(5900));  // kOther
  dirty.Acknowledge(kOther, 2);
  EXPECT_EQ(dirty.OldestAge(At(6000)), At(900));
}

TEST(DirtySetTest, DepthCountsWhatWillBeTriedAndParkedTheRest) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Mark(kOther, 2, At(0));
  dirty.Take(At(200));
  dirty.Park(kHost, 1);
  EXPECT_EQ(dirty.depth(), 1u);
  EXPECT_EQ(dirty.parked(), 1u);
  EXPECT_EQ(dirty.OldestAge(At(500)), At(500));
  dirty.Take(At(200));
  dirty.Park(kOther, 2);
  EXPECT_EQ(dirty.OldestAge(At(500)), absl::ZeroDuration());
}

TEST(DirtySetTest, EndsOfHostsThatWereNotTakenAreIgnored) {
  DirtySet dirty(kWindow);
  dirty.Acknowledge(kHost, 9);
  dirty.Mark(kHost, 1, At(0));
  dirty.Acknowledge(kHost, 9);
  dirty.Retry(kHost, At(9000));
  dirty.Park(kHost, 9);
  EXPECT_EQ(TakeHost(dirty, At(200)), kHost);
}

// Lanes and causes.

TEST(DirtySetTest, TellsWhyAHostIsTaken) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  const std::optional<DirtySet::Taken> marked = dirty.Take(At(200));
  ASSERT_TRUE(marked.has_value());
  EXPECT_EQ(marked->lane, v1::LANE_LIVE);
  EXPECT_EQ(marked->cause, v1::WRITE_CAUSE_CHANGE);

  dirty.Force(kOther, v1::LANE_REPAIR, v1::WRITE_CAUSE_RUN_ENDED, At(0));
  const std::optional<DirtySet::Taken> forced = dirty.Take(At(200));
  ASSERT_TRUE(forced.has_value());
  EXPECT_EQ(forced->host, kOther);
  EXPECT_EQ(forced->lane, v1::LANE_REPAIR);
  EXPECT_EQ(forced->cause, v1::WRITE_CAUSE_RUN_ENDED);
}

TEST(DirtySetTest, AMoreUrgentReasonCountsWhicheverCameFirst) {
  for (const bool mark_first : {true, false}) {
    SCOPED_TRACE(mark_first);
    DirtySet dirty(kWindow);
    if (mark_first) dirty.Mark(kHost, 1, At(0));
    dirty.Force(kHost, v1::LANE_REPAIR, v1::WRITE_CAUSE_REPAIR, At(0));
    if (!mark_first) dirty.Mark(kHost, 1, At(0));
    const std::optional<DirtySet::Taken> taken = dirty.Take(At(0));
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->lane, v1::LANE_LIVE);
    EXPECT_EQ(taken->cause, v1::WRITE_CAUSE_CHANGE);
    // Once.
    dirty.Acknowledge(kHost, 1);
    EXPECT_EQ(dirty.Find(kHost), std::nullopt);
  }
}

TEST(DirtySetTest, ARetryIsForTheSameReason) {
  DirtySet dirty(kWindow);
  Ask(dirty, kHost, At(0));
  dirty.Take(At(0));
  dirty.Mark(kHost, 1, At(10));
  dirty.Retry(kHost, At(500));
  const std::optional<DirtySet::Taken> taken = dirty.Take(At(500));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->lane, v1::LANE_USER);
  EXPECT_EQ(taken->cause, v1::WRITE_CAUSE_REQUEST);
}

TEST(DirtySetTest, WhatComesInFlightHasAReasonOfItsOwn) {
  DirtySet dirty(kWindow);
  Ask(dirty, kHost, At(0));
  dirty.Take(At(0));
  dirty.Force(kHost, v1::LANE_REPAIR, v1::WRITE_CAUSE_REPAIR, At(10));
  dirty.Acknowledge(kHost, 0);
  const std::optional<DirtySet::Taken> taken = dirty.Take(At(10));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->lane, v1::LANE_REPAIR);
  EXPECT_EQ(taken->cause, v1::WRITE_CAUSE_REPAIR);
}

TEST(DirtySetTest, ARecheckOfAParkedHostIsInNobodysWay) {
  DirtySet dirty(kWindow);
  Ask(dirty, kHost, At(0));
  dirty.Take(At(0));
  dirty.Park(kHost, 0, /*recheck_at=*/At(1000));
  EXPECT_EQ(dirty.Take(At(1000))->lane, v1::LANE_SWEEP);
  dirty.Park(kHost, 0, /*recheck_at=*/At(2000));
  dirty.Mark(kHost, 1, At(1000));
  EXPECT_EQ(dirty.Take(At(1200))->lane, v1::LANE_LIVE);
}

TEST(DirtySetTest, ASweepEndsNoWait) {
  const auto sweep = [](DirtySet& dirty) {
    dirty.Force(kHost, v1::LANE_SWEEP, v1::WRITE_CAUSE_DOUBT, At(300));
  };
  for (int wait = 0; wait < 3; ++wait) {
    SCOPED_TRACE(wait);
    DirtySet dirty(kWindow);
    dirty.Mark(kHost, 1, At(0));
    dirty.Take(At(200));
    if (wait == 0) dirty.Retry(kHost, At(5000));
    if (wait == 1) dirty.Defer(kHost, At(5000));
    if (wait == 2) dirty.Park(kHost, 1, At(5000));
    sweep(dirty);
    EXPECT_EQ(dirty.NextDue(), At(5000));
    dirty.Force(kHost, v1::LANE_REPAIR, v1::WRITE_CAUSE_RUN_ENDED, At(300));
    EXPECT_EQ(dirty.NextDue(), At(300));
  }
}

TEST(DirtySetTest, ADeferredHostWaitsUnlessSomethingMoreUrgentComes) {
  // Live, and live again.
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  dirty.Defer(kHost, At(5000));
  dirty.Mark(kHost, 2, At(300));
  dirty.RetryNow(At(300));
  EXPECT_EQ(dirty.NextDue(), At(5000));
  // Somebody waits for it.
  Ask(dirty, kHost, At(400));
  EXPECT_EQ(dirty.Take(At(400))->lane, v1::LANE_USER);

  // A repair, and then live.
  dirty.Force(kOther, v1::LANE_REPAIR, v1::WRITE_CAUSE_REPAIR, At(0));
  ASSERT_EQ(TakeHost(dirty, At(400)), kOther);
  dirty.Defer(kOther, At(5000));
  dirty.Mark(kOther, 3, At(500));
  EXPECT_EQ(dirty.Take(At(700))->lane, v1::LANE_LIVE);
}

TEST(DirtySetTest, AForceInFlightIsNotDeferred) {
  DirtySet dirty(kWindow);
  dirty.Mark(kHost, 1, At(0));
  dirty.Take(At(200));
  Ask(dirty, kHost, At(210));
  dirty.Defer(kHost, At(5000));
  EXPECT_EQ(dirty.Take(At(210))->lane, v1::LANE_USER);
}

TEST(DirtySetTest, ABacklogInOneLaneDoesNotHoldUpTheOthers) {
  DirtySet dirty(kWindow);
  const auto host = [](const char* kind, int i) {
    return HostId{absl::StrCat(kind, i)};
  };
  for (int i = 0; i < 300; ++i) {
    dirty.Force(host("sweep", i), v1::LANE_SWEEP, v1::WRITE_CAUSE_DOUBT, At(0));
    dirty.Force(host("repair", i), v1::LANE_REPAIR, v1::WRITE_CAUSE_REPAIR,
                At(0));
  }
  Ask(dirty, kHost, At(1));
  EXPECT_EQ(TakeHost(dirty, At(1)), kHost);
  // And the least urgent gets its turns while the others never end.
  int swept = 0;
  for (int i = 0; i < 300; ++i) {
    dirty.Mark(host("live", i), i + 1, At(i));
    Ask(dirty, host("user", i), At(i));
    const std::optional<DirtySet::Taken> taken = dirty.Take(At(300));
    ASSERT_TRUE(taken.has_value());
    if (taken->lane == v1::LANE_SWEEP) ++swept;
  }
  EXPECT_GE(swept, 300 / 15 - 1);
}

TEST(DirtySetTest, ShowsItsLanes) {
  DirtySet dirty(kWindow);
  for (int i = 0; i < 3; ++i) {
    dirty.Mark(HostId{absl::StrCat("hv", i)}, i + 1, At(100 * i));
  }
  const std::optional<DirtySet::Taken> taken = dirty.Take(At(200));
  dirty.CountBegun(taken->lane);
  Ask(dirty, HostId{"parked"}, At(0));
  dirty.Take(At(200));
  dirty.Park(HostId{"parked"}, 0, /*recheck_at=*/At(210));

  v1::ChefStatus status;
  dirty.FillStatus(At(1000), status);
  EXPECT_EQ(status.dirty(), 4);
  EXPECT_EQ(status.parked(), 1);
  ASSERT_EQ(status.lanes_size(), 4);
  const v1::LaneStatus& live = status.lanes(1);
  EXPECT_EQ(live.lane(), v1::LANE_LIVE);
  EXPECT_EQ(live.waiting(), 2);
  EXPECT_EQ(live.oldest().nanos(), 700'000'000);
  EXPECT_EQ(live.begun(), 1);
  EXPECT_EQ(status.lanes(3).waiting(), 0);
}

// Whatever happens in whatever order: a host is never given out twice at once,
// and every mark is tried, later than it was made.
class DirtySetPropertyTest : public testing::TestWithParam<int> {};

TEST_P(DirtySetPropertyTest, EveryMarkIsTriedAndNoHostTwiceAtOnce) {
  std::mt19937 random(GetParam());
  const auto pick = [&](int n) { return static_cast<int>(random() % n); };

  DirtySet dirty(kWindow);
  std::map<HostId, Revision> marked;
  std::map<HostId, Revision> tried;      // and ended with a verdict
  std::map<HostId, Revision> in_flight;  // revision read at Take()
  Revision revision = 0;
  absl::Duration now = At(0);
  const auto end_one = [&] {
    const auto it = std::next(in_flight.begin(), pick(in_flight.size()));
    const auto [host, read] = *it;
    in_flight.erase(it);
    switch (pick(4)) {
      case 0:
        dirty.Acknowledge(host, read);
        tried[host] = read;
        break;
      case 1:
        dirty.Park(host, read);
        tried[host] = read;
        break;
      case 2:
        dirty.Defer(host, now + At(pick(1000)));
        break;
      default:
        dirty.Retry(host, now + At(pick(1000)));
    }
  };

  for (int step = 0; step < 3000; ++step) {
    now += At(pick(50));
    const HostId host{absl::StrCat("hv", pick(8))};
    switch (pick(4)) {
      case 0:
        dirty.Mark(host, ++revision, now);
        marked[host] = revision;
        break;
      case 1:
        if (const std::optional<HostId> taken = TakeHost(dirty, now)) {
          ASSERT_TRUE(in_flight.emplace(*taken, marked[*taken]).second);
        }
        break;
      case 2:
        if (!in_flight.empty()) end_one();
        break;
      default:
        if (pick(20) == 0) {
          dirty.Force(host, kLanes[pick(kLanes.size())], v1::WRITE_CAUSE_REPAIR,
                      now);
        }
    }
    ASSERT_LE(dirty.depth() + dirty.parked(), 8u);
  }
  // Let it run out.
  while (!in_flight.empty() || dirty.depth() > 0) {
    now += At(100);
    while (const std::optional<HostId> taken = TakeHost(dirty, now)) {
      ASSERT_TRUE(in_flight.emplace(*taken, marked[*taken]).second);
    }
    while (!in_flight.empty()) end_one();
  }
  EXPECT_EQ(tried, marked);
  EXPECT_EQ(dirty.NextDue(), absl::InfiniteDuration());
}

INSTANTIATE_TEST_SUITE_P(Seeds, DirtySetPropertyTest, testing::Range(0, 20));

}  // namespace
}  // namespace rehai
