// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/call_gate.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/random.h"
#include "controller/access/retry_after.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using Place = CallGate::Place;

// Limits of which none is reached, for a test to lower one.
CallGate::Limits Wide() {
  return {.max_calls = 1'000'000,
          .max_streams = 1'000'000,
          .max_streams_per_client = 1'000'000,
          .calls_per_second = 0};
}

class CallGateTest : public testing::Test {
 protected:
  void Make(const CallGate::Limits& limits) {
    gate_.emplace(limits, clock_, MakeRandom(7));
  }
  absl::StatusOr<Place> Enter(const std::string& client,
                              CallGate::Kind kind = CallGate::kUnary) {
    return gate_->Enter(kind, client);
  }
  bool Fits(const std::string& client, CallGate::Kind kind = CallGate::kUnary) {
    return Enter(client, kind).ok();
  }

  FakeClock clock_;
  std::optional<CallGate> gate_;
};

TEST_F(CallGateTest, AllCallsTogetherAreBoundedAndAPlaceIsGivenBack) {
  CallGate::Limits limits = Wide();
  limits.max_calls = 2;
  Make(limits);
  auto first = Enter("alice");
  auto second = Enter("", CallGate::kStream);
  ASSERT_THAT(second, IsOk());
  const absl::Status refused = Enter("bob").status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(std::string(refused.message()),
              testing::HasSubstr("api.limits.max_calls"));
  { const Place gone = *std::move(first); }
  EXPECT_TRUE(Fits("bob"));
  EXPECT_EQ(gate_->counts().calls, 1);
  EXPECT_EQ(gate_->counts().refused, 1);
}

TEST_F(CallGateTest, AClientsStreamsAreBoundedAndOnlyIts) {
  CallGate::Limits limits = Wide();
  limits.max_streams_per_client = 2;
  Make(limits);
  std::vector<absl::StatusOr<Place>> places;
  places.push_back(Enter("alice", CallGate::kStream));
  places.push_back(Enter("alice", CallGate::kStream));
  EXPECT_THAT(Enter("alice", CallGate::kStream),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(Fits("alice"));
  EXPECT_TRUE(Fits("bob", CallGate::kStream));
  places.pop_back();
  EXPECT_TRUE(Fits("alice", CallGate::kStream));
}

TEST_F(CallGateTest, NobodyInParticularHasOnlyTheBoundsOnTheWhole) {
  Make({.max_calls = 50,
        .max_streams = 3,
        .max_streams_per_client = 1,
        .calls_per_second = 1,
        .call_burst = 1});
  std::vector<Place> places;
  for (int i = 0; i < 3; ++i) {
    auto place = Enter("", CallGate::kStream);
    ASSERT_THAT(place, IsOk());
    places.push_back(*std::move(place));
  }
  EXPECT_THAT(Enter("", CallGate::kStream),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(Fits(""));
}

TEST_F(CallGateTest, AClientsRateIsBoundedAfterItsBurst) {
  CallGate::Limits limits = Wide();
  limits.calls_per_second = 2;
  limits.call_burst = 3;
  Make(limits);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Fits("alice")) << i;
  const absl::Status refused = Enter("alice").status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(Fits("bob"));
  // Half a second until the next token, and at most half as long again.
  const std::optional<absl::Duration> wait = RetryAfter(refused);
  ASSERT_TRUE(wait.has_value());
  EXPECT_GE(*wait, absl::Milliseconds(500));
  EXPECT_LE(*wait, absl::Milliseconds(750));
  clock_.Advance(*wait);
  EXPECT_TRUE(Fits("alice"));
  EXPECT_FALSE(Fits("alice"));
}

TEST_F(CallGateTest, ALongSilenceEarnsNoMoreThanABurst) {
  CallGate::Limits limits = Wide();
  limits.calls_per_second = 2;
  limits.call_burst = 3;
  Make(limits);
  EXPECT_TRUE(Fits("alice"));
  clock_.Advance(absl::Hours(1));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Fits("alice")) << i;
  EXPECT_FALSE(Fits("alice"));
}

TEST_F(CallGateTest, ThoseTurnedAwayTogetherDoNotComeBackTogether) {
  CallGate::Limits limits = Wide();
  limits.max_calls = 0;
  limits.max_streams = 1;
  Make(limits);
  auto held = Enter("", CallGate::kStream);
  const auto one = RetryAfter(Enter("", CallGate::kStream).status());
  const auto other = RetryAfter(Enter("", CallGate::kStream).status());
  EXPECT_NE(one, other);
}

TEST_F(CallGateTest, IdleClientsAreForgottenAndBusyOnesAreNot) {
  Make({.max_calls = 0,
        .max_streams = 0,
        .max_streams_per_client = 1,
        .calls_per_second = 1,
        .call_burst = 5});
  auto stream = Enter("busy", CallGate::kStream);
  for (size_t i = 1; i < CallGate::kMaxClients; ++i) {
    ASSERT_TRUE(Fits(absl::StrCat("client", i)));
  }
  EXPECT_EQ(gate_->counts().clients, CallGate::kMaxClients);
  EXPECT_THAT(Enter("late"), StatusIs(absl::StatusCode::kResourceExhausted));
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(Fits("late"));
  EXPECT_EQ(gate_->counts().clients, 2u);
  EXPECT_FALSE(Fits("busy", CallGate::kStream));
}

}  // namespace
}  // namespace rehai
