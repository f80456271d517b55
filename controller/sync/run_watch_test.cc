// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/run_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"

namespace rehai {
namespace {

using ::testing::IsNull;
using ::testing::NotNull;
using ::testing::Optional;

const HostId kHost{"hv1"};
constexpr absl::Duration kMaxRun = absl::Hours(2);
constexpr absl::Duration kMoment = absl::Milliseconds(20);

class RunWatchTest : public testing::Test {
 protected:
  static chef::RunMessage Start(const std::string& run_id) {
    chef::RunMessage start;
    start.kind = chef::RunMessage::Kind::kStart;
    start.node = kHost.node;
    start.run_id = run_id;
    return start;
  }
  // The end of a run that saved a node with this ohai_time.
  static chef::RunMessage SavingEnd(const std::string& run_id,
                                    const std::string& ohai_time = "200.5") {
    chef::RunMessage end = Start(run_id);
    end.kind = chef::RunMessage::Kind::kEnd;
    end.success = true;
    end.saved = true;
    end.node_document = std::make_shared<const std::string>(absl::StrCat(
        R"({"name":"hv1","automatic":{"ohai_time":)", ohai_time, "}}"));
    return end;
  }
  static chef::RunMessage FailedEnd(const std::string& run_id) {
    chef::RunMessage end = SavingEnd(run_id);
    end.success = false;
    end.saved = false;
    return end;
  }

  RunWatch::Event Hear(const chef::RunMessage& message, bool writing = false,
                       const HostId& host = kHost) {
    return watch_.OnMessage(host, message, writing, clock_.Uptime(),
                            clock_.Now());
  }
  bool IsHeld() const {
    return watch_.HeldUntil(kHost, clock_.Uptime()).has_value();
  }
  std::shared_ptr<const std::string> SavedFor(const HostId& host = kHost) {
    return watch_.SavedFor(host, clock_.Uptime());
  }
  // A write of ours ends; its GET and PUT took so long.
  void Write(bool again = false, const std::string& found = "100.5",
             absl::Duration took = kMoment) {
    chef::WriteResult result;
    result.found.ohai_time = found;
    result.window_begin = clock_.Now();
    clock_.Advance(took);
    result.window_end = clock_.Now();
    result.finished_at = clock_.Now();
    watch_.OnWritten(kHost, result, again);
  }
  v1::RunsStatus Status() const {
    v1::RunsStatus status;
    watch_.FillStatus(clock_.Uptime(), status);
    return status;
  }

  FakeClock clock_;
  RunWatch watch_{{.max_run = kMaxRun}};
};

TEST_F(RunWatchTest, ARunIsInFlightFromItsStartToItsEnd) {
  EXPECT_FALSE(IsHeld());
  Hear(Start("1"));
  EXPECT_TRUE(IsHeld());
  EXPECT_THAT(watch_.StartedAt(kHost, clock_.Uptime()), Optional(clock_.Now()));
  EXPECT_EQ(Status().in_flight(), 1);
  Hear(FailedEnd("1"));
  EXPECT_FALSE(IsHeld());
  EXPECT_EQ(watch_.StartedAt(kHost, clock_.Uptime()), std::nullopt);
  EXPECT_EQ(Status().started(), 1);
  EXPECT_EQ(Status().failed(), 1);
  EXPECT_EQ(Status().in_flight(), 0);
}

TEST_F(RunWatchTest, ARunWithoutAnEndIsForgotten) {
  Hear(Start("1"));
  clock_.Advance(kMaxRun - kMoment);
  EXPECT_EQ(Status().in_flight(), 1);
  clock_.Advance(kMoment);
  EXPECT_EQ(Status().in_flight(), 0);
  EXPECT_EQ(watch_.StartedAt(kHost, clock_.Uptime()), std::nullopt);
}

// Its end may never be told, and then nothing else brings the node's check.
TEST_F(RunWatchTest, ARunHoldsNothingForLong) {
  Hear(Start("1"));
  EXPECT_THAT(watch_.HeldUntil(kHost, clock_.Uptime()),
              Optional(clock_.Uptime() + RunWatch::kLongestHold));
  clock_.Advance(RunWatch::kLongestHold);
  EXPECT_FALSE(IsHeld());
  EXPECT_EQ(Status().in_flight(), 1);
}

TEST_F(RunWatchTest, AMessageThatComesTwiceOrLateCountsOnce) {
  Hear(Start("1"));
  Hear(Start("1"));
  EXPECT_TRUE(Hear(SavingEnd("1")).saved);
  EXPECT_FALSE(Hear(SavingEnd("1")).saved);
  Hear(Start("1"));
  EXPECT_FALSE(IsHeld());
  EXPECT_EQ(Status().started(), 1);
  EXPECT_EQ(Status().succeeded(), 1);
}

TEST_F(RunWatchTest, AnEarlierRunsEndDoesNotEndTheRunInFlight) {
  Hear(Start("1"));
  Hear(Start("2"));
  EXPECT_TRUE(Hear(SavingEnd("1")).saved);
  EXPECT_TRUE(IsHeld());
}

TEST_F(RunWatchTest, OnlyARunThatSavedAsksForAWrite) {
  Hear(Start("1"));
  const RunWatch::Event failed = Hear(FailedEnd("1"));
  EXPECT_FALSE(failed.saved);
  EXPECT_TRUE(failed.ended);
  const RunWatch::Event saved = Hear(SavingEnd("2"));
  EXPECT_TRUE(saved.saved);
  EXPECT_TRUE(saved.ended);
}

// Promise 4: a save that our PUT rolled back is known.
TEST_F(RunWatchTest, ASaveWithinAWindowOfOursIsKeptForTheNextWrite) {
  Write();
  const chef::RunMessage end = SavingEnd("1");
  Hear(end);
  EXPECT_EQ(SavedFor(), end.node_document);
}

TEST_F(RunWatchTest, ASaveThatNoPutOfOursLiesAroundIsNotKept) {
  Write();
  clock_.Advance(RunWatch::kHeardOfAfter + absl::Milliseconds(1));
  Hear(SavingEnd("1"));
  EXPECT_THAT(SavedFor(), IsNull());
}

TEST_F(RunWatchTest, AWriteUnderWayDecidesWhenItEnds) {
  // It began before the save was heard of.
  const absl::Time begun = clock_.Now();
  clock_.Advance(kMoment);
  Hear(SavingEnd("1"), /*writing=*/true);
  chef::WriteResult result;
  result.window_begin = begun;
  result.window_end = clock_.Now();
  watch_.OnWritten(kHost, result, /*again=*/false);
  EXPECT_THAT(SavedFor(), NotNull());
}

TEST_F(RunWatchTest, AWriteUnderWayThatSentNothingUndidNothing) {
  Hear(SavingEnd("1"), /*writing=*/true);
  watch_.OnWritten(kHost, {}, /*again=*/false);
  EXPECT_THAT(SavedFor(), IsNull());
}

TEST_F(RunWatchTest, APutThatWasGivenUpMayStillUndoASave) {
  Write(/*again=*/true);
  clock_.Advance(RunWatch::kHeardOfAfter + RunWatch::kLateWrite -
                 absl::Seconds(1));
  Hear(SavingEnd("1"));
  EXPECT_THAT(SavedFor(), NotNull());
}

TEST_F(RunWatchTest, FailedAndOverriddenRunsAreNeverBroughtBack) {
  Write();
  Hear(FailedEnd("1"));
  EXPECT_THAT(SavedFor(), IsNull());
  chef::RunMessage overridden = SavingEnd("2");
  overridden.saved = false;
  Hear(overridden);
  EXPECT_THAT(SavedFor(), IsNull());
}

TEST_F(RunWatchTest, ADocumentGoesWithTheWriteThatDealtWithIt) {
  Write();
  Hear(SavingEnd("1"));
  ASSERT_THAT(SavedFor(), NotNull());
  Write();
  EXPECT_THAT(SavedFor(), IsNull());
}

// As the simulation found: the retry brought the earlier save back, or none.
TEST_F(RunWatchTest, AnEarlierSaveThatIsToldOfLaterReplacesNothing) {
  Write();
  const chef::RunMessage newer = SavingEnd("2", "200.5");
  Hear(newer);
  Hear(SavingEnd("1", "150.5"));
  EXPECT_EQ(SavedFor(), newer.node_document);
}

TEST_F(RunWatchTest, ADocumentWaitsAShortTimeForTheRetry) {
  Write();
  Hear(SavingEnd("1"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(SavedFor(), NotNull());
    Write(/*again=*/true);
  }
  clock_.Advance(RunWatch::kSavedAge);
  EXPECT_THAT(SavedFor(), IsNull());
}

TEST_F(RunWatchTest, CountsWhatWasRolledBackAndPutBack) {
  Write();
  Hear(SavingEnd("1", "200.5"));
  SavedFor();
  Write(/*again=*/true, /*found=*/"100.5");
  SavedFor();
  chef::WriteResult result;
  result.restored = true;
  result.found.ohai_time = "100.5";
  result.window_begin = result.window_end = clock_.Now();
  watch_.OnWritten(kHost, result, /*again=*/false);
  EXPECT_EQ(Status().rolled_back(), 1);
  EXPECT_EQ(Status().restored(), 1);

  // One that stood was no loss.
  Hear(SavingEnd("2", "300.5"));
  ASSERT_THAT(SavedFor(), NotNull());
  Write(/*again=*/false, /*found=*/"300.5");
  EXPECT_EQ(Status().rolled_back(), 1);
}

TEST_F(RunWatchTest, TheOldestDocumentsGoWhenThereAreTooMany) {
  RunWatch few({.max_documents = 2});
  for (int i = 0; i < 3; ++i) {
    few.OnMessage(HostId{absl::StrCat("hv", i)}, SavingEnd("1"),
                  /*writing=*/true, clock_.Uptime(), clock_.Now());
  }
  chef::WriteResult result;
  result.window_begin = result.window_end = clock_.Now();
  for (int i = 0; i < 3; ++i) {
    SCOPED_TRACE(i);
    const HostId host{absl::StrCat("hv", i)};
    few.OnWritten(host, result, /*again=*/false);
    EXPECT_EQ(few.SavedFor(host, clock_.Uptime()) != nullptr, i > 0);
  }
}

TEST_F(RunWatchTest, DocumentsKeepWithinTheirBytes) {
  RunWatch small({.max_document_bytes = 10});
  small.OnMessage(kHost, SavingEnd("1"), /*writing=*/true, clock_.Uptime(),
                  clock_.Now());
  chef::WriteResult result;
  result.window_begin = result.window_end = clock_.Now();
  small.OnWritten(kHost, result, /*again=*/false);
  EXPECT_THAT(small.SavedFor(kHost, clock_.Uptime()), IsNull());
}

TEST_F(RunWatchTest, AHostThatLeftIsForgotten) {
  Write();
  Hear(Start("1"));
  Hear(SavingEnd("2"));
  watch_.Forget(kHost);
  EXPECT_FALSE(IsHeld());
  EXPECT_THAT(SavedFor(), IsNull());
}

}  // namespace
}  // namespace rehai
