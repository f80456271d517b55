// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/ohai_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kDeadline = absl::Seconds(1000);

class OhaiRunsTest : public testing::Test {
 protected:
  bool Add(std::vector<std::string> plugins) {
    OhaiRuns::Done done = [](const auto&) {};
    return runs_.Add(std::move(plugins), done);
  }

  OhaiRuns runs_;
};

TEST_F(OhaiRunsTest, OneRunIsUnderWayAtATime) {
  EXPECT_EQ(runs_.Begin(1, kDeadline), std::nullopt);
  ASSERT_TRUE(Add({"virtualization"}));
  ASSERT_TRUE(Add({"network"}));
  const auto first = runs_.Begin(1, kDeadline);
  ASSERT_TRUE(first.has_value());
  EXPECT_THAT(first->plugins, ElementsAre("virtualization"));
  EXPECT_EQ(runs_.Begin(2, kDeadline), std::nullopt);
  EXPECT_THAT(runs_.Ended(1), SizeIs(1));
  const auto second = runs_.Begin(2, kDeadline);
  ASSERT_TRUE(second.has_value());
  EXPECT_THAT(second->plugins, ElementsAre("network"));
}

TEST_F(OhaiRunsTest, ARunIsSharedUntilItHasBegun) {
  ASSERT_TRUE(Add({"network"}));
  ASSERT_TRUE(Add({"network"}));
  ASSERT_TRUE(runs_.Begin(1, kDeadline).has_value());
  ASSERT_TRUE(Add({"network"}));
  EXPECT_THAT(runs_.Ended(1), SizeIs(2));
  ASSERT_TRUE(runs_.Begin(2, kDeadline).has_value());
  EXPECT_THAT(runs_.Ended(2), SizeIs(1));
}

TEST_F(OhaiRunsTest, ResultsOfOtherRunsEndNone) {
  EXPECT_THAT(runs_.Ended(0), IsEmpty());
  ASSERT_TRUE(Add({}));
  EXPECT_THAT(runs_.Ended(0), IsEmpty());
  ASSERT_TRUE(runs_.Begin(5, kDeadline).has_value());
  EXPECT_THAT(runs_.Ended(4), IsEmpty());
  EXPECT_THAT(runs_.Ended(5), SizeIs(1));
  EXPECT_THAT(runs_.Ended(5), IsEmpty());
}

TEST_F(OhaiRunsTest, ARunExpiresAtItsDeadline) {
  EXPECT_EQ(runs_.deadline(), absl::InfiniteDuration());
  ASSERT_TRUE(Add({}));
  ASSERT_TRUE(runs_.Begin(1, kDeadline).has_value());
  EXPECT_EQ(runs_.deadline(), kDeadline);
  EXPECT_THAT(runs_.Expired(kDeadline - absl::Nanoseconds(1)), IsEmpty());
  EXPECT_THAT(runs_.Expired(kDeadline), SizeIs(1));
  EXPECT_EQ(runs_.deadline(), absl::InfiniteDuration());
}

TEST_F(OhaiRunsTest, TooManyDoNotWait) {
  for (size_t i = 0; i < OhaiRuns::kMostWaiting; ++i) {
    ASSERT_TRUE(Add({i % 2 == 0 ? "network" : "virtualization"}));
  }
  bool called = false;
  OhaiRuns::Done done = [&](const auto&) { called = true; };
  EXPECT_FALSE(runs_.Add({}, done));
  done(absl::UnavailableError("still the caller's"));
  EXPECT_TRUE(called);
  EXPECT_THAT(runs_.TakeAll(), SizeIs(OhaiRuns::kMostWaiting));
  EXPECT_TRUE(Add({}));
}

}  // namespace
}  // namespace rehai
