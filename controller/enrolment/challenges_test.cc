// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/challenges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/fake_clock.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

const HostId kHost{"hv1"};
const HostId kOther{"hv2"};

auto IsRefused(const char* why) {
  return StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(why));
}

TEST(ChallengesTest, IsGoodForOneUse) {
  FakeClock clock;
  Challenges challenges({}, clock);
  const auto challenge = challenges.Issue(kHost);
  ASSERT_THAT(challenge, IsOk());
  EXPECT_EQ(challenge->bytes.size(), 32);
  EXPECT_EQ(challenge->expires_at, clock.Now() + absl::Minutes(1));
  EXPECT_THAT(challenges.Redeem(kHost, challenge->bytes), IsOk());
  EXPECT_THAT(challenges.Redeem(kHost, challenge->bytes),
              IsRefused("unknown, used or expired"));
}

TEST(ChallengesTest, IsForOneHostAndUsedUpByWhoeverPresentsIt) {
  FakeClock clock;
  Challenges challenges({}, clock);
  const auto challenge = challenges.Issue(kHost);
  EXPECT_THAT(challenges.Redeem(kOther, challenge->bytes),
              IsRefused("another host"));
  EXPECT_THAT(challenges.Redeem(kHost, challenge->bytes),
              IsRefused("unknown, used or expired"));
}

TEST(ChallengesTest, Expires) {
  FakeClock clock;
  Challenges challenges({.lifetime = absl::Seconds(30)}, clock);
  const auto early = challenges.Issue(kHost);
  const auto late = challenges.Issue(kHost);
  clock.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(challenges.Redeem(kHost, early->bytes), IsOk());
  clock.Advance(absl::Milliseconds(1));
  EXPECT_THAT(challenges.Redeem(kHost, late->bytes),
              IsRefused("unknown, used or expired"));
}

TEST(ChallengesTest, NobodysIsRefused) {
  FakeClock clock;
  Challenges challenges({}, clock);
  EXPECT_THAT(challenges.Redeem(kHost, ""), IsRefused("unknown"));
  EXPECT_THAT(challenges.Redeem(kHost, std::string(32, 'x')),
              IsRefused("unknown"));
}

TEST(ChallengesTest, ForgetsTheOldestOfTooMany) {
  FakeClock clock;
  Challenges challenges({.most = 3}, clock);
  std::vector<std::string> issued;
  for (int i = 0; i < 4; ++i) {
    issued.push_back(challenges.Issue(kHost)->bytes);
  }
  EXPECT_THAT(challenges.Redeem(kHost, issued[0]), IsRefused("unknown"));
  for (int i = 1; i < 4; ++i) {
    EXPECT_THAT(challenges.Redeem(kHost, issued[i]), IsOk()) << i;
  }
}

TEST(ChallengesTest, DifferEachTime) {
  FakeClock clock;
  Challenges challenges({}, clock);
  EXPECT_NE(challenges.Issue(kHost)->bytes, challenges.Issue(kHost)->bytes);
}

}  // namespace
}  // namespace rehai
