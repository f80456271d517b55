// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer does for those who ask: rewrites and looks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/sync/syncer_fixture.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(SyncerTest, RewriteChecksWhatChefConfirmed) {
  Sync();
  sink_.Clobber(kHost.node);
  Rewrite();
  ASSERT_THAT(rewrites_, SizeIs(1));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED);

  Rewrite();
  ASSERT_THAT(rewrites_, SizeIs(2));
  EXPECT_EQ(rewrites_[1]->outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerTest, RewriteDoesNotWaitForWindowOrRetry) {
  sink_.Script(kHost.node, v1::WRITE_OUTCOME_RETRY);
  ObserveRunning();
  Rewrite();
  EXPECT_EQ(Writes(), 1u);
  Rewrite();
  EXPECT_EQ(Writes(), 2u);
  ASSERT_THAT(rewrites_, SizeIs(2));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_RETRY);
  EXPECT_EQ(rewrites_[1]->outcome, v1::WRITE_OUTCOME_WRITTEN);
}

TEST_F(SyncerTest, RewritesOfOneHostShareATry) {
  Sync();
  for (int i = 0; i < 10; ++i) syncer_->Rewrite(kHost, Collect());
  Pass(RewriteBatch::kWindow);
  EXPECT_EQ(Writes(), 2u);
  EXPECT_THAT(rewrites_, SizeIs(10));
}

TEST_F(SyncerTest, RewriteDuringAWriteGetsATryOfItsOwnAfterIt) {
  sink_.Hold();
  ObserveRunning();
  PassWindow();
  Rewrite();
  EXPECT_EQ(Writes(), 1u);
  sink_.Release();
  EXPECT_THAT(rewrites_, IsEmpty());
  syncer_->Tick();
  EXPECT_EQ(Writes(), 2u);
  ASSERT_THAT(rewrites_, SizeIs(1));
  EXPECT_EQ(rewrites_[0]->outcome, v1::WRITE_OUTCOME_UNCHANGED);
}

TEST_F(SyncerTest, RewriteOfAnUnknownHostIsNotFound) {
  syncer_->Rewrite(kHost, Collect());
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kNotFound,
                                              HasSubstr("hv1"))));
}

TEST_F(SyncerTest, RewriteWithNothingObservedIsAFailedPrecondition) {
  inventory_->AddHost(kHost, {});
  syncer_->Rewrite(kHost, Collect());
  EXPECT_THAT(rewrites_,
              ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("hv1"))));
}

TEST_F(SyncerTest, RewriteOfAHostThatLeavesIsNotFound) {
  Sync();
  syncer_->Rewrite(kHost, Collect());
  inventory_->RemoveHost(kHost);
  syncer_->Tick();
  PassWindow();
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_EQ(Writes(), 1u);
}

TEST_F(SyncerTest, RewriteIsCancelledAtShutdown) {
  Sync();
  syncer_->Rewrite(kHost, Collect());
  syncer_->Stop();
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
  syncer_->Rewrite(kHost, Collect());
  EXPECT_THAT(rewrites_, ElementsAre(StatusIs(absl::StatusCode::kCancelled),
                                     StatusIs(absl::StatusCode::kCancelled)));
}

TEST_F(SyncerTest, DiffAnswersWhatAWriteWouldChange) {
  ObserveRunning();
  sink_.SetDifferences({{"automatic.rehai.guests", "", "{}"}});
  std::string path;
  syncer_->Diff(kHost, [&](auto differences) {
    ASSERT_THAT(differences, IsOk());
    path = differences->at(0).path;
  });
  syncer_->Tick();
  EXPECT_EQ(path, "automatic.rehai.guests");
  EXPECT_EQ(Writes(), 0u);
}

TEST_F(SyncerTest, DiffErrorsAreThoseOfRewrite) {
  std::vector<absl::StatusCode> codes;
  const auto collect = [&codes](auto result) {
    codes.push_back(result.status().code());
  };
  syncer_->Diff(kHost, collect);
  inventory_->AddHost(kHost, {});
  syncer_->Diff(kHost, collect);
  ObserveRunning();
  syncer_->Diff(kHost, collect);
  syncer_->Stop();
  syncer_->Diff(kHost, collect);
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kNotFound,
                                 absl::StatusCode::kFailedPrecondition,
                                 absl::StatusCode::kCancelled,
                                 absl::StatusCode::kCancelled));
}

TEST_F(SyncerTest, ADiffKeepsWithinTheConcurrency) {
  Syncer::Options options = Quiet();
  options.limits.max_in_flight = 1;
  MakeSyncer(options);
  ObserveRunning();
  sink_.Hold();
  int answers = 0;
  for (int i = 0; i < 3; ++i) {
    syncer_->Diff(kHost, [&](auto) { ++answers; });
  }
  PassWindow();
  EXPECT_EQ(sink_.in_flight(), 1);
  sink_.Release();
  syncer_->Tick();
  EXPECT_EQ(answers, 3);
  EXPECT_EQ(sink_.max_in_flight(), 1);
}

TEST_F(SyncerTest, ADryRunShowsEachRenderingOnceAndConfirmsNothing) {
  Syncer::Options options = Quiet();
  options.dry_run = true;
  MakeSyncer(options);
  chef::WriteResult would_write;
  would_write.outcome = v1::WRITE_OUTCOME_WOULD_WRITE;
  would_write.differences.assign(100, {"automatic.rehai", "1", "2"});
  sink_.Script(kHost.node, would_write);
  testing::internal::CaptureStderr();
  ObserveRunning();
  PassWindow();
  const v1::SyncStatus status = syncer_->Status(kHost);
  EXPECT_EQ(status.state(), v1::SYNC_STATE_DRY_RUN);
  EXPECT_EQ(status.applied_digest(), "");
  EXPECT_EQ(status.applied_revision(), 0);
  EXPECT_FALSE(status.has_written_at());

  // The same again is not compared again, and if asked for, not logged again.
  ASSERT_THAT(inventory_->SetPresence(kHost, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  PassWindow();
  EXPECT_EQ(Writes(), 1u);
  sink_.Script(kHost.node, would_write);
  Rewrite();
  EXPECT_EQ(Writes(), 2u);
  const std::string log = testing::internal::GetCapturedStderr();
  size_t lines = 0;
  for (size_t at = log.find("automatic.rehai"); at != std::string::npos;
       at = log.find("automatic.rehai", at + 1)) {
    ++lines;
  }
  EXPECT_EQ(lines, 50u);
  EXPECT_THAT(log, HasSubstr("paths=50"));
}

}  // namespace
}  // namespace rehai
