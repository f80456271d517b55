// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/sample_fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/time/time.h"
#include "tests/matchers.h"

namespace rehai::bench {
namespace {

using ::testing::AllOf;
using ::testing::Gt;
using ::testing::Lt;

const absl::Time kNow = absl::FromUnixSeconds(1'763'993'071);

SampleFleet::Options Small() {
  SampleFleet::Options options;
  options.hosts = 3;
  options.guests_per_host = 4;
  options.renderings.kvm_extensions = true;
  return options;
}

TEST(SampleNodeTest, IsAsLargeAsAskedToWithinAPackage) {
  for (const size_t bytes : {10'240u, 90'112u}) {
    EXPECT_THAT(SampleNode("hv1", bytes).size(),
                AllOf(Gt(bytes - 1), Lt(bytes + 80)));
  }
}

TEST(SampleFleetTest, AWholeNodeIsAsLargeAsAskedToWithinAHundredth) {
  const SampleFleet fleet(Small());
  const auto node = fleet.NodeWithGuests(0, 1, kNow);
  ASSERT_THAT(node.status(), IsOk());
  EXPECT_THAT(node->size(), AllOf(Gt(10'138u), Lt(10'342u)));
}

TEST(SampleFleetTest, EveryGuestChangesFromRoundToRound) {
  const SampleFleet fleet(Small());
  // A controller's rounds and a raw one's alternate: also two rounds apart.
  for (const int apart : {1, 2}) {
    const v1::Observation before = fleet.Observation(1, 4, kNow);
    const v1::Observation after = fleet.Observation(1, 4 + apart, kNow);
    ASSERT_EQ(before.guests_size(), 4);
    for (int i = 0; i < before.guests_size(); ++i) {
      EXPECT_EQ(before.guests(i).uuid(), after.guests(i).uuid());
      EXPECT_NE(before.guests(i).state(), after.guests(i).state());
    }
    EXPECT_LT(before.sequence(), after.sequence());
  }
}

TEST(SampleFleetTest, ANodeHoldsItsGuestsAndKeepsWhatIsForeign) {
  const SampleFleet fleet(Small());
  const auto text = fleet.NodeWithGuests(2, 0, kNow);
  ASSERT_THAT(text.status(), IsOk());
  const auto node = nlohmann::json::parse(*text);
  const auto& virtualization = node["automatic"]["virtualization"];
  EXPECT_EQ(virtualization["role"], "host");
  EXPECT_EQ(virtualization["kvm"]["guests"].size(), 4u);
  EXPECT_EQ(virtualization["kvm"]["guests"]["vm-0002-001"]["state"], "paused");
  EXPECT_TRUE(node["automatic"].contains("rehai"));
}

}  // namespace
}  // namespace rehai::bench
