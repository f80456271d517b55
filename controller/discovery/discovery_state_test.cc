// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/discovery_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
#include "base/proto_time.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Time kNow = absl::FromUnixSeconds(1795527759);

FoundHost Host(int number, const std::string& uri = "u:") {
  return {.host = {absl::StrFormat("hv%02d", number)}, .uri = uri};
}

Provider Found(const std::string& name, int first, int last) {
  Provider provider = {.name = name, .good_at = kNow};
  for (int i = first; i < last; ++i) provider.hosts.push_back(Host(i));
  return provider;
}

DiscoveryState Next(const DiscoveryState& state,
                    std::vector<Provider> providers, bool all_answered = true,
                    absl::Time now = kNow) {
  return NextState(state, std::move(providers), all_answered,
                   FleetBrakeOptions(), now);
}

TEST(DiscoveryStateTest, AFleetIsWhatAllProvidersFind) {
  const DiscoveryState state =
      Next({}, {Found("config", 0, 2), Found("f", 1, 5)});
  EXPECT_THAT(state.fleet, SizeIs(5));
  EXPECT_THAT(state.held, IsEmpty());
}

TEST(DiscoveryStateTest, UntilAllHaveAnsweredNobodyIsGone) {
  const DiscoveryState some = Next({}, {Found("f", 0, 2)}, false);
  const DiscoveryState moved = Next(some, {Found("f", 1, 3)}, false);
  EXPECT_THAT(moved.fleet, ElementsAre(Host(0), Host(1), Host(2)));
  EXPECT_THAT(moved.held, IsEmpty());
  EXPECT_THAT(Next(moved, {Found("f", 1, 3)}, true).fleet,
              ElementsAre(Host(1), Host(2)));
}

TEST(DiscoveryStateTest, HeldHostsKeepTheTimeSinceWhenAnyIsHeld) {
  const DiscoveryState all = Next({}, {Found("f", 0, 10)});
  const absl::Time later = kNow + absl::Seconds(5);
  const DiscoveryState held = Next(all, {Found("f", 0, 5)}, true, later);
  EXPECT_THAT(held.held, SizeIs(5));
  EXPECT_EQ(held.held_since, later);
  EXPECT_EQ(
      Next(held, {Found("f", 0, 4)}, true, later + absl::Hours(1)).held_since,
      later);
}

TEST(DiscoveryStateTest, AConfirmationLetsTheHeldHostsGoAndOnlyThem) {
  DiscoveryState state =
      Next(Next({}, {Found("f", 0, 10)}), {Found("f", 0, 4)});
  EXPECT_THAT(ConfirmHeld(5, state),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("discovery holds 6 hosts, not 5")));
  EXPECT_THAT(state.fleet, SizeIs(10));
  const auto departed = ConfirmHeld(6, state);
  ASSERT_THAT(departed, IsOk());
  EXPECT_THAT(*departed,
              ElementsAre("hv04", "hv05", "hv06", "hv07", "hv08", "hv09"));
  state = Next(state, {Found("f", 0, 4)});
  EXPECT_THAT(state.fleet, SizeIs(4));
  EXPECT_THAT(state.held, IsEmpty());
  EXPECT_THAT(ConfirmHeld(0, state),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("holds no host")));
}

TEST(DiscoveryStateTest, TheStatusTellsProvidersHeldHostsAndClaims) {
  Provider other = {.name = "chef search x:y", .error = "down"};
  DiscoveryState state =
      Next(Next({}, {Found("f", 0, 5)}), {Found("f", 0, 1), other});
  state.fleet[0].other_claims = {"u:2 (g)"};
  v1::DiscoveryStatus expected;
  v1::DiscoveryProvider* provider = expected.add_providers();
  provider->set_name("f");
  provider->set_hosts(1);
  *provider->mutable_good_at() = ToProto(kNow);
  provider = expected.add_providers();
  provider->set_name("chef search x:y");
  provider->set_error("down");
  expected.set_hosts(5);
  for (const char* const node : {"hv01", "hv02", "hv03", "hv04"}) {
    expected.add_held(node);
  }
  *expected.mutable_held_since() = ToProto(kNow);
  expected.add_claimed_twice("hv00");
  EXPECT_THAT(ToProto(state), EqualsProto(expected));
}

}  // namespace
}  // namespace rehai
