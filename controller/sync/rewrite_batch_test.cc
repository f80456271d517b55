// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/rewrite_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace rehai {
namespace {

using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr absl::Duration kNow = absl::Hours(1);
constexpr absl::Duration kLag = absl::Seconds(30);
constexpr absl::Duration kMoment = absl::Milliseconds(1);
const absl::Time kWall = absl::FromUnixSeconds(1795527759);

class RewriteBatchTest : public testing::Test {
 protected:
  void Add(int hosts, absl::Duration since = kNow, absl::Duration now = kNow) {
    for (int i = 0; i < hosts; ++i) {
      batch_.Add(HostId{absl::StrCat("hv", i)}, since, now);
    }
  }
  bool Close(size_t fleet, absl::Duration now = kNow + RewriteBatch::kWindow) {
    return batch_.Close(fleet, /*trusts_search=*/true, now, kWall);
  }
  static Expected Confirmed(const std::string& node) {
    return {.host = {node},
            .marks = {.ohai_time = "100.5", .digest = "a"},
            .confirmed_at = absl::ZeroDuration()};
  }

  RewriteBatch batch_;
};

TEST_F(RewriteBatchTest, TheFirstWaitsAMomentForOthers) {
  EXPECT_EQ(batch_.NextDue(), absl::InfiniteDuration());
  Add(1);
  batch_.Add(HostId{"later"}, kNow, kNow + kMoment);
  EXPECT_EQ(batch_.NextDue(), kNow + RewriteBatch::kWindow);
}

TEST_F(RewriteBatchTest, ASearchHasToBeWorthIt) {
  Add(8);
  EXPECT_FALSE(Close(/*fleet=*/1001));
  EXPECT_THAT(batch_.Take(), SizeIs(8));
  EXPECT_THAT(batch_.Take(), IsEmpty());
  Add(8);
  EXPECT_TRUE(Close(/*fleet=*/1000));
  EXPECT_EQ(batch_.NextDue(), absl::InfiniteDuration());
}

TEST_F(RewriteBatchTest, AnAnswerIsForThoseWhoMeanWhatWasBefore) {
  Add(8);
  ASSERT_TRUE(Close(8));
  const absl::Duration asked = kNow + RewriteBatch::kWindow;
  batch_.Add(HostId{"earlier command"}, kNow, asked + kMoment);
  batch_.Add(HostId{"later command"}, asked + kMoment, asked + kMoment);
  EXPECT_THAT(batch_.OnSearched({}), SizeIs(9));
  EXPECT_THAT(batch_.Take(), SizeIs(1));
}

TEST_F(RewriteBatchTest, TheLastAnswerIsKeptForThoseWhoComeLater) {
  EXPECT_EQ(batch_.LookBack(Confirmed("hv1"), kNow, kLag), std::nullopt);
  Add(8);
  ASSERT_TRUE(Close(8));
  batch_.OnSearched({{HostId{"hv1"}, Confirmed("hv1").marks}});
  EXPECT_THAT(batch_.LookBack(Confirmed("hv1"), kNow, kLag),
              Optional(Sight::kInPlace));
  EXPECT_THAT(batch_.LookBack(Confirmed("hv2"), kNow, kLag),
              Optional(Sight::kDoubtful));
  EXPECT_EQ(
      batch_.LookBack(Confirmed("hv1"), kNow + RewriteBatch::kWindow, kLag),
      std::nullopt);
  EXPECT_EQ(batch_.last_asked_at(), kWall);
}

TEST_F(RewriteBatchTest, AfterAFailureThereIsAPause) {
  Add(8);
  ASSERT_TRUE(Close(8));
  const absl::Duration failed = kNow + absl::Seconds(1);
  EXPECT_THAT(batch_.OnFailed(failed), SizeIs(8));
  Add(8, failed, failed);
  EXPECT_FALSE(Close(8, failed + RewriteBatch::kPause - kMoment));
  EXPECT_TRUE(Close(8, failed + RewriteBatch::kPause));
}

}  // namespace
}  // namespace rehai
