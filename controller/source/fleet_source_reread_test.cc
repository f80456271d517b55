// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(FleetSourceTest, ARereadIsAnsweredWhenItIsMerged) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("1", "web"));
  Answers answers;
  int guests = -1;
  auto done = answers.Callback();
  source_->Reread(HostId{NodeOf(0)}, [&](absl::Status status) {
    guests = Record()->guests_size();
    done(std::move(status));
  });
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(guests, 1);
  EXPECT_TRUE(Host().last_request().everything);
}

TEST_F(FleetSourceTest, ARereadOfAnUnknownHostIsNotFound) {
  Start();
  Answers answers;
  source_->Reread(HostId{"nobody"}, answers.Callback());
  EXPECT_THAT(answers.Await(), ElementsAre(StatusIs(absl::StatusCode::kNotFound,
                                                    HasSubstr("nobody"))));
}

TEST_F(FleetSourceTest, ARereadDialsAtOnceAndFailsWithTheDial) {
  Host().FailDials(absl::UnauthenticatedError("hv0: key refused"));
  Start();
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }));
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnauthenticated)));
  EXPECT_EQ(Host().dials(), 2);

  Host().AllowDials();
  Answers later;
  source_->Reread(HostId{NodeOf(0)}, later.Callback());
  EXPECT_THAT(later.Await(), ElementsAre(IsOk()));
}

TEST_F(FleetSourceTest, ARereadFailsWithItsRead) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().FailReads(absl::UnavailableError("hv0: no answer"));
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
}

TEST_F(FleetSourceTest, RereadsDuringAReadShareTheNextOne) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Answers first;
  source_->Reread(HostId{NodeOf(0)}, first.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  Host().SetGuest(Guest("1", "web"));
  Answers later;
  for (int i = 0; i < 5; ++i) {
    source_->Reread(HostId{NodeOf(0)}, later.Callback());
  }
  Host().ReleaseReads();
  EXPECT_THAT(later.Await(5), SizeIs(5));
  EXPECT_THAT(later.Await(5), Each(IsOk()));
  EXPECT_THAT(first.Await(), SizeIs(1));
  EXPECT_EQ(Host().reads(), 3);
  EXPECT_EQ(Record()->guests_size(), 1);
}

TEST_F(FleetSourceTest, ARereadOfAConnectionFoundDeadDialsAgain) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Answers first;
  source_->Reread(HostId{NodeOf(0)}, first.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  Answers later;
  source_->Reread(HostId{NodeOf(0)}, later.Callback());
  Host().Drop("end of file");
  Host().ReleaseReads();
  EXPECT_THAT(first.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_THAT(later.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(Host().dials(), 2);
}

TEST_F(FleetSourceTest, StopClosesEveryConnection) {
  constexpr int kHosts = 10;
  Start(kHosts);
  for (int i = 0; i < kHosts; ++i) {
    ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
  source_->Stop();
  for (int i = 0; i < kHosts; ++i) EXPECT_EQ(Host(i).open_connections(), 0);
  source_->Stop();
}

TEST_F(FleetSourceTest, StopCancelsRereadsThatHaveNotBegun) {
  Host().HoldDials();
  Start();
  ASSERT_TRUE(Host().AwaitDials(1));
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  std::thread stopper([this] { source_->Stop(); });
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)))
      << "it waited for the dial";
  Host().ReleaseDials();
  stopper.join();
  EXPECT_EQ(Host().open_connections(), 0);

  Answers late;
  source_->Reread(HostId{NodeOf(0)}, late.Callback());
  EXPECT_THAT(late.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
  EXPECT_THAT(answers.Await(), SizeIs(1));
}

TEST_F(FleetSourceTest, StopLetsAReadUnderWayAnswer) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Answers under_way;
  source_->Reread(HostId{NodeOf(0)}, under_way.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  Answers waiting;
  source_->Reread(HostId{NodeOf(0)}, waiting.Callback());
  std::thread stopper([this] { source_->Stop(); });
  EXPECT_THAT(waiting.Await(), SizeIs(1));
  Host().ReleaseReads();
  stopper.join();
  EXPECT_THAT(under_way.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(Host().reads(), 2);
}

TEST_F(FleetSourceTest, ASourceNeverStartedStopsToo) {
  Create();
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  source_.reset();
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
}

}  // namespace
}  // namespace rehai
