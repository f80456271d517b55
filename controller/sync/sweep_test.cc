// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kInterval = absl::Minutes(1);
constexpr absl::Duration kLag = absl::Seconds(30);
constexpr absl::Duration kStart = absl::Hours(1);

TEST(LookTest, TellsWhatASearchSaysOfAHost) {
  const chef::NodeMarks ours = {
      .ohai_time = "100.5", .digest = "a", .revision = 7};
  const chef::NodeMarks newer_run = {
      .ohai_time = "200.5", .digest = "a", .revision = 7};
  const chef::NodeMarks other = {
      .ohai_time = "100.5", .digest = "b", .revision = 7};
  const chef::NodeMarks later_revision = {
      .ohai_time = "100.5", .digest = "a", .revision = 8};
  const chef::NodeMarks no_stamp = {.ohai_time = "200.5", .digest = ""};
  const absl::Duration asked = kStart;
  const struct {
    const char* what;
    const chef::NodeMarks* found;
    absl::Duration confirmed_before;
    Sight sight;
  } kTable[] = {
      {"as confirmed", &ours, kLag, Sight::kInPlace},
      {"just confirmed, and so found", &ours, absl::Seconds(1),
       Sight::kInPlace},
      {"a revision that says the same", &later_revision, kLag, Sight::kInPlace},
      {"saved since", &newer_run, kLag, Sight::kDoubtful},
      {"saved since, just confirmed", &newer_run, absl::Seconds(1),
       Sight::kDoubtful},
      {"another digest", &other, kLag, Sight::kDoubtful},
      {"found by the index, without a stamp", &no_stamp, absl::Seconds(1),
       Sight::kDoubtful},
      {"missing", nullptr, kLag, Sight::kDoubtful},
      {"missing, just confirmed", nullptr, kLag - absl::Seconds(1),
       Sight::kNotYet},
      {"confirmed while asked", &other, -absl::Seconds(1), Sight::kTooNew},
      {"confirmed while asked, missing", nullptr, absl::ZeroDuration(),
       Sight::kTooNew},
  };
  for (const auto& row : kTable) {
    SCOPED_TRACE(row.what);
    const Expected expected = {.host = {"hv1"},
                               .marks = ours,
                               .confirmed_at = asked - row.confirmed_before};
    EXPECT_EQ(Look(expected, row.found, asked, kLag), row.sight);
  }
}

// A fleet whose nodes are all in place, long confirmed.
class SweepTest : public testing::Test {
 protected:
  explicit SweepTest(int hosts = 100) { Populate(hosts); }

  void Populate(int hosts) {
    expected_.clear();
    seen_.clear();
    for (int i = 0; i < hosts; ++i) {
      const HostId host{absl::StrCat("hv", i)};
      const chef::NodeMarks marks = {.ohai_time = "100.5",
                                     .digest = absl::StrCat("digest", i),
                                     .revision = i};
      expected_.push_back({host, marks, absl::ZeroDuration()});
      seen_[host] = marks;
    }
  }

  Sweep::Round Begin() {
    now_ = std::max(now_, sweep_.NextDue());
    return sweep_.Begin(expected_, now_, random_);
  }
  std::vector<HostId> Answer() {
    return sweep_.OnSearched(expected_, seen_, /*searches=*/1, now_);
  }
  // A sweep by search; what it doubts is read, and found in place or not.
  std::vector<HostId> SweepBySearch(bool in_place) {
    EXPECT_TRUE(Begin().searches);
    std::vector<HostId> doubtful = Answer();
    for (const HostId& host : doubtful) sweep_.OnRead(host, in_place);
    return doubtful;
  }
  v1::SweepStatus Status() const {
    v1::SweepStatus status;
    sweep_.FillStatus(now_, absl::FromUnixSeconds(1795527759), status);
    return status;
  }

  absl::BitGen random_;
  absl::Duration now_ = kStart;
  Sweep sweep_{{.interval = kInterval, .index_lag = kLag}, kStart};
  std::vector<Expected> expected_;
  Sightings seen_;
};

TEST_F(SweepTest, IsDueEveryInterval) {
  EXPECT_EQ(sweep_.NextDue(), kStart + kInterval);
  EXPECT_TRUE(Begin().searches);
  EXPECT_EQ(sweep_.NextDue(), absl::InfiniteDuration());
  Answer();
  EXPECT_LE(sweep_.NextDue(), now_ + kInterval);
  EXPECT_GE(sweep_.NextDue(), now_ + kInterval / 2);
}

TEST_F(SweepTest, AnIntervalOfZeroIsNever) {
  Sweep off({.interval = absl::ZeroDuration()}, kStart);
  EXPECT_EQ(off.NextDue(), absl::InfiniteDuration());
  v1::SweepStatus status;
  off.FillStatus(kStart, absl::UnixEpoch(), status);
  EXPECT_EQ(status.method(), v1::SWEEP_METHOD_OFF);
  EXPECT_FALSE(status.has_next_at());
}

TEST_F(SweepTest, AsksNothingOfAFleetThatWasNeverConfirmed) {
  Populate(0);
  const Sweep::Round round = Begin();
  EXPECT_FALSE(round.searches);
  EXPECT_THAT(round.reads, IsEmpty());
}

// Promise 5: unchanged costs nothing.
TEST_F(SweepTest, AFleetInPlaceIsNotRead) {
  EXPECT_THAT(SweepBySearch(true), IsEmpty());
  const v1::SweepStatus status = Status();
  EXPECT_EQ(status.method(), v1::SWEEP_METHOD_SEARCH);
  EXPECT_EQ(status.nodes(), 100);
  EXPECT_EQ(status.doubtful(), 0);
  EXPECT_EQ(status.sweeps(), 1);
  EXPECT_EQ(status.searches(), 1);
  EXPECT_TRUE(status.has_ended_at());
  EXPECT_TRUE(status.has_next_at());
}

// Promise 4: what somebody saved over is found.
TEST_F(SweepTest, NodesThatWereSavedOverAreToBeRead) {
  seen_.erase(HostId{"hv3"});
  seen_[HostId{"hv5"}].digest = "";
  seen_[HostId{"stranger"}] = {};
  EXPECT_THAT(SweepBySearch(false), ElementsAre(HostId{"hv3"}, HostId{"hv5"}));
  EXPECT_EQ(Status().doubtful(), 2);
  EXPECT_EQ(Status().method(), v1::SWEEP_METHOD_SEARCH);
}

TEST_F(SweepTest, AMissingNodeThatWasJustConfirmedBringsTheNextSweepForward) {
  now_ = sweep_.NextDue();
  expected_[7].confirmed_at = now_ - absl::Seconds(10);
  seen_.erase(HostId{"hv7"});
  EXPECT_THAT(SweepBySearch(false), IsEmpty());
  EXPECT_EQ(sweep_.NextDue(), expected_[7].confirmed_at + kLag);
  EXPECT_THAT(SweepBySearch(false), ElementsAre(HostId{"hv7"}));
}

TEST_F(SweepTest, AFailedSearchGivesWayToReads) {
  ASSERT_TRUE(Begin().searches);
  sweep_.OnFailed(absl::UnavailableError("search is off"), now_);
  EXPECT_THAT(Status().search_error(), HasSubstr("search is off"));
  EXPECT_EQ(Status().method(), v1::SWEEP_METHOD_GET);
  EXPECT_THAT(Begin().reads, SizeIs(10));
}

TEST_F(SweepTest, AFailedSearchIsTriedAgainSoonAndThenLessOften) {
  std::vector<int> tries;
  for (int sweep = 0; sweep < 40; ++sweep) {
    if (!Begin().searches) continue;
    tries.push_back(sweep);
    sweep_.OnFailed(absl::UnavailableError("search is off"), now_);
  }
  EXPECT_THAT(tries, ElementsAre(0, 1, 3, 7, 15, 25, 35));
}

TEST_F(SweepTest, ASearchThatAgreesAgainIsTrustedAgain) {
  ASSERT_TRUE(Begin().searches);
  sweep_.OnFailed(absl::UnavailableError("search is off"), now_);
  ASSERT_TRUE(Begin().searches);
  seen_.erase(HostId{"hv3"});
  EXPECT_THAT(Answer(), ElementsAre(HostId{"hv3"}));
  EXPECT_EQ(Status().search_error(), "");
  EXPECT_THAT(Begin().reads, IsEmpty());
}

TEST_F(SweepTest, ASearchThatStillDisagreesIsNotTrusted) {
  ASSERT_TRUE(Begin().searches);
  sweep_.OnFailed(absl::UnavailableError("search is off"), now_);
  ASSERT_TRUE(Begin().searches);
  seen_.clear();
  EXPECT_THAT(Answer(), IsEmpty());
  EXPECT_EQ(Status().method(), v1::SWEEP_METHOD_GET);
}

TEST_F(SweepTest, ReadsComeToEachNodeOnceInTenSweeps) {
  ASSERT_TRUE(Begin().searches);
  sweep_.OnFailed(absl::UnimplementedError("no search"), now_);
  std::multiset<std::string> read;
  for (int sweep = 0; sweep < Sweep::kReadingSweeps; ++sweep) {
    const Sweep::Round round = Begin();
    if (round.searches) {
      sweep_.OnFailed(absl::UnimplementedError("no search"), now_);
    }
    EXPECT_THAT(round.reads, SizeIs(10));
    for (const HostId& host : round.reads) {
      read.insert(host.node);
      for (Expected& expected : expected_) {
        if (expected.host == host) expected.confirmed_at = now_;
      }
    }
  }
  EXPECT_THAT(read, SizeIs(100));
  for (const Expected& expected : expected_) {
    EXPECT_EQ(read.count(expected.host.node), 1u) << expected.host;
  }
}

// Promise 5, and found by the simulation: all are being read when the answer
// comes, so there is nothing to compare it with.
TEST_F(SweepTest, ASmallFleetThatIsReadWholeTrustsTheSearchAgain) {
  Populate(6);
  ASSERT_TRUE(Begin().searches);
  sweep_.OnFailed(absl::UnavailableError("search is off"), now_);

  Sweep::Round round = Begin();
  ASSERT_TRUE(round.searches);
  ASSERT_THAT(round.reads, SizeIs(6));
  EXPECT_THAT(sweep_.OnSearched({}, seen_, /*searches=*/1, now_), IsEmpty());
  EXPECT_FALSE(sweep_.trusts_search());

  round = Begin();
  ASSERT_TRUE(round.searches);
  EXPECT_THAT(round.reads, IsEmpty());
  EXPECT_THAT(Answer(), IsEmpty());
  EXPECT_TRUE(sweep_.trusts_search());
}

TEST_F(SweepTest, ASmallFleetIsReadWhole) {
  Populate(6);
  ASSERT_TRUE(Begin().searches);
  sweep_.OnFailed(absl::UnavailableError("search is off"), now_);
  EXPECT_THAT(Begin().reads, SizeIs(6));
}

TEST_F(SweepTest, ASearchThatShowsLessThanHalfIsDistrustedOnceReadsProveIt) {
  for (int i = 0; i < 60; ++i) seen_.erase(HostId{absl::StrCat("hv", i)});
  ASSERT_TRUE(Begin().searches);
  const std::vector<HostId> doubtful = Answer();
  ASSERT_THAT(doubtful, SizeIs(60));
  for (int i = 0; i < 49; ++i) sweep_.OnRead(doubtful[i], /*in_place=*/true);
  EXPECT_TRUE(sweep_.trusts_search());
  sweep_.OnRead(doubtful[49], /*in_place=*/true);
  EXPECT_FALSE(sweep_.trusts_search());
  EXPECT_THAT(Status().search_error(), HasSubstr("50"));
}

TEST_F(SweepTest, ASearchThatRightlyShowsHardlyAnythingIsTrusted) {
  seen_.clear();
  EXPECT_THAT(SweepBySearch(/*in_place=*/false), SizeIs(100));
  EXPECT_TRUE(sweep_.trusts_search());
}

TEST_F(SweepTest, ASearchThatKeepsBeingWrongIsDistrusted) {
  for (int i = 0; i < 20; ++i) seen_.erase(HostId{absl::StrCat("hv", i)});
  EXPECT_THAT(SweepBySearch(/*in_place=*/true), SizeIs(20));
  EXPECT_TRUE(sweep_.trusts_search());
  EXPECT_THAT(SweepBySearch(/*in_place=*/true), SizeIs(20));
  EXPECT_FALSE(Begin().searches);
  EXPECT_FALSE(sweep_.trusts_search());
}

TEST_F(SweepTest, ASearchThatIsMostlyRightIsTrusted) {
  for (int i = 0; i < 30; ++i) seen_.erase(HostId{absl::StrCat("hv", i)});
  for (int sweep = 0; sweep < 5; ++sweep) {
    ASSERT_TRUE(Begin().searches);
    const std::vector<HostId> doubtful = Answer();
    for (size_t i = 0; i < doubtful.size(); ++i) {
      sweep_.OnRead(doubtful[i], /*in_place=*/i < 12);
    }
  }
  EXPECT_TRUE(sweep_.trusts_search());
}

TEST_F(SweepTest, ASearchThatStaysWrongIsTriedAgainEveryTenthSweep) {
  seen_.clear();
  SweepBySearch(/*in_place=*/true);
  std::vector<int> tries;
  for (int sweep = 1; sweep <= 30; ++sweep) {
    if (!Begin().searches) continue;
    tries.push_back(sweep);
    EXPECT_THAT(Answer(), IsEmpty());
  }
  EXPECT_THAT(tries, ElementsAre(10, 20, 30));
}

TEST_F(SweepTest, AFewNodesThatTheIndexHasLostAreReadAndNobodyElseIs) {
  seen_.erase(HostId{"hv1"});
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(SweepBySearch(/*in_place=*/true), ElementsAre(HostId{"hv1"}));
  }
}

TEST_F(SweepTest, WithoutAStampThereIsNoSearch) {
  Sweep sweep({.interval = kInterval,
               .index_lag = kLag,
               .no_search = "renderings.rehai is off"},
              kStart);
  for (int i = 0; i < 25; ++i) {
    const Sweep::Round round =
        sweep.Begin(expected_, kStart + (i + 1) * kInterval, random_);
    EXPECT_FALSE(round.searches);
    EXPECT_THAT(round.reads, SizeIs(10));
  }
  v1::SweepStatus status;
  sweep.FillStatus(kStart, absl::UnixEpoch(), status);
  EXPECT_EQ(status.method(), v1::SWEEP_METHOD_GET);
  EXPECT_EQ(status.search_error(), "renderings.rehai is off");
}

}  // namespace
}  // namespace rehai
