// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/visible_guest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "base/proto_time.h"
#include "controller/api/visibility_service.h"
#include "controller/api/visible_waits.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

constexpr char kUuid[] = "11111111-1111-1111-1111-111111111111";
constexpr char kOtherUuid[] = "22222222-2222-2222-2222-222222222222";
const HostId kA{"a"};
const HostId kB{"b"};

v1::Guest Web(v1::GuestState state = v1::GUEST_STATE_RUNNING) {
  v1::Guest guest;
  guest.set_uuid(kUuid);
  guest.set_name("web01");
  guest.set_state(state);
  return guest;
}

v1::WaitVisibleRequest For(const std::string& name) {
  v1::WaitVisibleRequest request;
  request.set_guest_name(name);
  return request;
}

using Answer = absl::StatusOr<v1::WaitVisibleResponse>;

class VisibleGuestTest : public testing::Test {
 protected:
  VisibleGuestTest() {
    inventory_.AddListener(
        [this](const Change& change) { receipts_.OnChange(change); });
    receipts_.AddListener([this](const HostId& host) { waits_.OnNews(host); });
    inventory_.AddHost(kA, {});
    inventory_.AddHost(kB, {});
  }

  void See(const HostId& host, const std::vector<v1::Guest>& guests,
           const std::vector<std::string>& moving = {}) {
    v1::Observation observation;
    observation.mutable_moving_uuids()->Assign(moving.begin(), moving.end());
    observation.set_node(host.node);
    observation.set_session(1);
    observation.set_sequence(++sequence_);
    observation.set_full(true);
    observation.mutable_facts()->set_hostname(host.node);
    for (const v1::Guest& guest : guests) *observation.add_guests() = guest;
    ASSERT_THAT(inventory_.Observe(observation), IsOk());
  }
  // Chef has the host's newest revision.
  void Reach(v1::VisibilityLevel level, const HostId& host = kA) {
    receipts_.OnProgress(
        {{host, level, inventory_.Find(host)->revision(), clock_.Now()}});
  }
  void Verify(const HostId& host = kA) {
    Reach(v1::VISIBILITY_LEVEL_VERIFIED, host);
  }

  // Looks on behalf of all who wait.
  void Step() { waits_.Tick(); }
  void Wait(const v1::WaitVisibleRequest& request,
            absl::Duration timeout = absl::Seconds(10)) {
    waits_.Add(request, timeout, [this](Answer answer) {
      answers_.push_back(std::move(answer));
    });
    Step();
  }
  // The only answer so far.
  const Answer& answer() {
    EXPECT_EQ(answers_.size(), 1u);
    return answers_.front();
  }
  std::string ExpiryOf(const v1::WaitVisibleRequest& request) {
    answers_.clear();
    Wait(request);
    clock_.Advance(absl::Seconds(10));
    Step();
    EXPECT_THAT(answer(), StatusIs(absl::StatusCode::kDeadlineExceeded));
    return std::string(answer().status().message());
  }

  FakeClock clock_;
  Inventory inventory_{clock_};
  Receipts receipts_{clock_};
  v1::SyncStatus sync_;
  v1::SweepStatus sweep_;
  VisibleGuests guests_{inventory_,
                        receipts_,
                        {.status = [this](const HostId&) { return sync_; },
                         .sweep = [this] { return sweep_; }}};
  int sweeps_ = 0;
  // Before the waits, which answer those who still wait at their end.
  std::vector<Answer> answers_;
  VisibleWaits waits_{
      {.most = 3},
      [this](const v1::WaitVisibleRequest& r) { return guests_.Look(r); },
      [this] { ++sweeps_; },
      clock_};
  int64_t sequence_ = 0;
};

TEST_F(VisibleGuestTest, AGuestThatIsNotKnownYetIsWaitedForUntilChefHasIt) {
  Wait(For("web01"));
  EXPECT_TRUE(answers_.empty());
  See(kA, {Web()});
  Step();
  EXPECT_TRUE(answers_.empty());
  Verify();
  Step();
  ASSERT_THAT(answer(), IsOk());
  EXPECT_EQ(answer()->receipt().node(), "a");
  EXPECT_EQ(answer()->receipt().level(), v1::VISIBILITY_LEVEL_VERIFIED);
  EXPECT_EQ(answer()->guest().guest().uuid(), kUuid);
}

TEST_F(VisibleGuestTest, WhatIsVisibleAlreadyIsAnsweredAtOnce) {
  See(kA, {Web()});
  Verify();
  waits_.Add(For("web01"), absl::Seconds(1),
             [this](Answer answer) { answers_.push_back(std::move(answer)); });
  EXPECT_THAT(answer(), IsOk());
}

TEST_F(VisibleGuestTest, AnOlderRevisionInChefIsNotTheGuestsNewState) {
  See(kA, {Web(v1::GUEST_STATE_SHUT_OFF)});
  Verify();
  v1::WaitVisibleRequest running = For("web01");
  running.add_states(v1::GUEST_STATE_RUNNING);
  Wait(running);
  EXPECT_TRUE(answers_.empty());
  See(kA, {Web()});
  Step();
  EXPECT_TRUE(answers_.empty());
  Verify();
  Step();
  EXPECT_THAT(answer(), IsOk());
}

TEST_F(VisibleGuestTest, AChangeOfItsNeighbourKeepsAGuestVisible) {
  See(kA, {Web()});
  Verify();
  v1::Guest other = Web();
  other.set_uuid(kOtherUuid);
  other.set_name("db01");
  See(kA, {Web(), other});
  Wait(For("web01"));
  EXPECT_THAT(answer(), IsOk());
  answers_.clear();
  Wait(For("db01"));
  EXPECT_TRUE(answers_.empty());
}

TEST_F(VisibleGuestTest, EachLevelIsWaitedFor) {
  See(kA, {Web()});
  v1::WaitVisibleRequest request = For("web01");
  request.set_level(v1::VISIBILITY_LEVEL_OBSERVED);
  Wait(request);
  EXPECT_THAT(answer(), IsOk());
  answers_.clear();

  request.set_level(v1::VISIBILITY_LEVEL_WRITTEN);
  Wait(request);
  EXPECT_TRUE(answers_.empty());
  Reach(v1::VISIBILITY_LEVEL_WRITTEN);
  Step();
  EXPECT_THAT(answer(), IsOk());
}

TEST_F(VisibleGuestTest, WhoWaitsForASearchHasSweepsThatBecomeRarer) {
  See(kA, {Web()});
  v1::WaitVisibleRequest request = For("web01");
  request.set_level(v1::VISIBILITY_LEVEL_SEARCHABLE);
  Wait(request, absl::Minutes(5));
  EXPECT_EQ(sweeps_, 0) << "it is not even written";
  Verify();
  Step();
  EXPECT_EQ(sweeps_, 1);
  for (int second = 0; second < 60; ++second) {
    clock_.Advance(absl::Seconds(1));
    Step();
  }
  EXPECT_GE(sweeps_, 5);
  EXPECT_LE(sweeps_, 12);
  Reach(v1::VISIBILITY_LEVEL_SEARCHABLE);
  Step();
  EXPECT_THAT(answer(), IsOk());
}

TEST_F(VisibleGuestTest, AGuestIsGoneOnceChefHasTheRevisionWithoutIt) {
  See(kA, {Web()});
  Verify();
  v1::WaitVisibleRequest gone = For("web01");
  gone.set_absent(true);
  Wait(gone);
  EXPECT_TRUE(answers_.empty());
  See(kA, {});
  Step();
  EXPECT_TRUE(answers_.empty());
  Verify();
  Step();
  ASSERT_THAT(answer(), IsOk());
  EXPECT_FALSE(answer()->has_guest());
  EXPECT_EQ(answer()->receipt().node(), "a");
}

TEST_F(VisibleGuestTest, AGuestOnItsWayIsNeitherThereNorGone) {
  See(kA, {Web()});
  See(kA, {}, /*moving=*/{kUuid});
  Verify();
  v1::WaitVisibleRequest there = For("web01");
  Wait(there);
  v1::WaitVisibleRequest gone = For("web01");
  gone.set_absent(true);
  Wait(gone);
  EXPECT_TRUE(answers_.empty());
  See(kB, {Web()});
  Verify(kB);
  Step();
  ASSERT_EQ(answers_.size(), 1);
  ASSERT_THAT(answer(), IsOk());
  EXPECT_EQ(answer()->guest().node(), "b");
}

TEST_F(VisibleGuestTest, ThatItWentFromAnotherNodeSaysNothingOfTheNamedOne) {
  See(kA, {Web()});
  See(kA, {});
  See(kB, {});
  Verify(kB);
  v1::WaitVisibleRequest gone = For("web01");
  gone.set_absent(true);
  gone.set_node("b");
  Wait(gone);
  ASSERT_EQ(answers_.size(), 1);
  ASSERT_THAT(answer(), IsOk());
  EXPECT_EQ(answer()->receipt().node(), "b");
}

TEST_F(VisibleGuestTest, OfAGuestNeverSeenItsNodeIsToBeNamed) {
  See(kA, {});
  v1::WaitVisibleRequest gone = For("web01");
  gone.set_absent(true);
  Wait(gone);
  EXPECT_THAT(answer(), StatusIs(absl::StatusCode::kNotFound));
  answers_.clear();
  gone.set_node("a");
  Wait(gone);
  EXPECT_TRUE(answers_.empty());
  Verify();
  Step();
  EXPECT_THAT(answer(), IsOk());
}

TEST_F(VisibleGuestTest, ANodeThatIsNamedIsTheOnlyOneThatCounts) {
  See(kA, {Web()});
  Verify();
  v1::WaitVisibleRequest request = For("web01");
  request.set_node("b");
  Wait(request);
  EXPECT_TRUE(answers_.empty());
  request.set_node("c");
  Wait(request);
  EXPECT_THAT(answer(), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(VisibleGuestTest, ANameOfSeveralIsNoGuest) {
  v1::Guest other = Web();
  other.set_uuid(kOtherUuid);
  See(kA, {Web()});
  See(kB, {other});
  Wait(For("web01"));
  EXPECT_THAT(answer(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(VisibleGuestTest, TheEndOfPatienceTellsWhatIsMissing) {
  EXPECT_THAT(ExpiryOf(For("web01")), HasSubstr("no host has it yet"));

  See(kA, {Web(v1::GUEST_STATE_SHUT_OFF)});
  v1::WaitVisibleRequest running = For("web01");
  running.add_states(v1::GUEST_STATE_RUNNING);
  EXPECT_THAT(ExpiryOf(running),
              HasSubstr("web01 on a is shut off; wanted is running"));

  sync_.set_state(v1::SYNC_STATE_PARKED);
  sync_.set_last_error("node a: forbidden; give the client rights");
  EXPECT_THAT(ExpiryOf(For("web01")),
              HasSubstr("is observed, not verified yet; the write is parked: "
                        "node a: forbidden"));

  ASSERT_THAT(inventory_.SetPresence(kA, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  EXPECT_THAT(ExpiryOf(running), HasSubstr("host a cannot be reached"));

  Verify();
  v1::WaitVisibleRequest searchable = For("web01");
  searchable.set_level(v1::VISIBILITY_LEVEL_SEARCHABLE);
  sweep_.set_method(v1::SWEEP_METHOD_OFF);
  EXPECT_THAT(ExpiryOf(searchable), HasSubstr("no searches are made"));
}

TEST_F(VisibleGuestTest, SoManyMayWait) {
  for (int i = 0; i < 3; ++i) Wait(For("web01"));
  EXPECT_TRUE(answers_.empty());
  Wait(For("web01"));
  EXPECT_THAT(answer(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(waits_.counts().waiting, 3);
  EXPECT_EQ(waits_.counts().refused, 1);
  waits_.Stop();
  EXPECT_EQ(answers_.size(), 4u);
  EXPECT_THAT(answers_.back(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(VisibleGuestTest, WhoHasGoneTakesNobodysPlace) {
  bool gone = false;
  for (int i = 0; i < 3; ++i) {
    waits_.Add(
        For("web01"), absl::Minutes(1),
        [](const Answer&) { ADD_FAILURE() << "nobody listens"; },
        [&gone] { return gone; });
  }
  gone = true;
  Wait(For("web01"));
  EXPECT_TRUE(answers_.empty());
  EXPECT_EQ(waits_.counts().waiting, 1);
}

TEST_F(VisibleGuestTest, TheThreadAnswers) {
  Mutex mu;
  CondVar cv;
  bool answered = false;
  waits_.Start();
  waits_.Add(For("web01"), absl::Minutes(1), [&](const Answer& answer) {
    EXPECT_THAT(answer, IsOk());
    MutexLock lock(mu);
    answered = true;
    cv.NotifyAll();
  });
  See(kA, {Web()});
  Verify();
  MutexLock lock(mu);
  while (!answered) cv.Wait(mu);
}

TEST_F(VisibleGuestTest, ReceiptsAreOfHostsAndOfGuests) {
  See(kA, {Web()});
  const Revision first = inventory_.Find(kA)->revision();
  ASSERT_THAT(inventory_.SetPresence(kA, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  v1::GetReceiptsRequest request;
  request.set_guest_name("web01");
  auto of_guest = guests_.GetReceipts(request);
  ASSERT_THAT(of_guest, IsOk());
  ASSERT_EQ(of_guest->receipts_size(), 1);
  EXPECT_EQ(of_guest->receipts(0).revision(), first);

  request.set_node("a");
  request.set_max_receipts(2);
  auto of_host = guests_.GetReceipts(request);
  ASSERT_THAT(of_host, IsOk());
  ASSERT_EQ(of_host->receipts_size(), 2);
  EXPECT_GT(of_host->receipts(0).revision(), first);

  request.set_node("c");
  EXPECT_THAT(guests_.GetReceipts(request),
              StatusIs(absl::StatusCode::kNotFound));
  request.set_max_receipts(65);
  EXPECT_THAT(guests_.GetReceipts(request),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CheckWaitTest, WhatCanNeverSucceedIsRefused) {
  EXPECT_THAT(CheckWait(For("web01")), IsOk());
  v1::WaitVisibleRequest request;
  EXPECT_THAT(CheckWait(request), StatusIs(absl::StatusCode::kInvalidArgument));
  request.set_guest_uuid("web01");
  EXPECT_THAT(CheckWait(request), StatusIs(absl::StatusCode::kInvalidArgument));
  request = For("web01");
  request.set_absent(true);
  request.add_states(v1::GUEST_STATE_RUNNING);
  EXPECT_THAT(CheckWait(request), StatusIs(absl::StatusCode::kInvalidArgument));
  request = For("web01");
  request.set_level(static_cast<v1::VisibilityLevel>(77));
  EXPECT_THAT(CheckWait(request), StatusIs(absl::StatusCode::kInvalidArgument));
  request = For("web01");
  *request.mutable_timeout() = ToProto(-absl::Seconds(1));
  EXPECT_THAT(CheckWait(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(WaitForTest, AnswersComeBeforeTheCallsDeadline) {
  const absl::Duration none = absl::ZeroDuration();
  const absl::Duration forever = absl::InfiniteDuration();
  EXPECT_EQ(WaitFor(none, forever), kUsualWait);
  EXPECT_EQ(WaitFor(absl::Seconds(5), forever), absl::Seconds(5));
  EXPECT_EQ(WaitFor(absl::Hours(1), forever), kLongestWait);
  EXPECT_EQ(WaitFor(none, absl::Seconds(60)),
            absl::Seconds(60) - kMostForAnswer);
  EXPECT_EQ(WaitFor(none, absl::Seconds(1)), absl::Milliseconds(900));
  EXPECT_EQ(WaitFor(absl::Seconds(5), absl::Seconds(1)),
            absl::Milliseconds(900));
  EXPECT_EQ(WaitFor(none, -absl::Seconds(1)), none);
}

}  // namespace
}  // namespace rehai
