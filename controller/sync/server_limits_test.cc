// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/server_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

TEST(ServerLimitsTest, TheDefaultsAreValid) {
  EXPECT_THAT(Validate(ServerLimits()), IsOk());
}

TEST(ServerLimitsTest, WhatIsOutOfRangeIsNamed) {
  using Break = std::function<void(ServerLimits&)>;
  const std::vector<std::pair<std::string, Break>> broken = {
      {"requests_per_second", [](auto& l) { l.requests_per_second = 0; }},
      {"requests_per_second",
       [](auto& l) {
         l.requests_per_second = std::numeric_limits<double>::quiet_NaN();
       }},
      {"request_burst", [](auto& l) { l.request_burst = 0; }},
      {"bytes_per_second", [](auto& l) { l.bytes_per_second = -1; }},
      {"byte_burst", [](auto& l) { l.byte_burst = 0; }},
      {"max_in_flight", [](auto& l) { l.max_in_flight = 0; }},
      {"max_in_flight", [](auto& l) { l.max_in_flight = 1'000'000; }},
      {"server_share", [](auto& l) { l.server_share = 1.5; }},
  };
  for (const auto& [field, change] : broken) {
    ServerLimits limits;
    change(limits);
    EXPECT_THAT(Validate(limits),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(field)));
  }
}

TEST(ServerLimitsTest, AChangeLeavesWhatItDoesNotName) {
  v1::ChefLimits change;
  change.set_max_in_flight(3);
  change.set_server_share(0.25);
  ServerLimits wanted;
  wanted.max_in_flight = 3;
  wanted.server_share = 0.25;
  EXPECT_THAT(ToProto(Changed(ServerLimits(), change)),
              EqualsProto(ToProto(wanted)));
}

TEST(ServerLimitsTest, AllOfThemGoThereAndBack) {
  const ServerLimits limits = {.requests_per_second = 1,
                               .request_burst = 2,
                               .bytes_per_second = 3,
                               .byte_burst = 4,
                               .max_in_flight = 5,
                               .server_share = 0.6};
  const v1::ChefLimits proto = ToProto(limits);
  EXPECT_EQ(proto.request_burst(), 2);
  EXPECT_EQ(proto.bytes_per_second(), 3);
  EXPECT_THAT(ToProto(Changed(ServerLimits(), proto)), EqualsProto(proto));
}

}  // namespace
}  // namespace rehai
