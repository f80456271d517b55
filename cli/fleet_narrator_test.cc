// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/fleet_narrator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace rehai::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FleetNarratorTest : public testing::Test {
 protected:
  std::vector<std::string> Lines(const v1::FleetWatchResponse& step) {
    std::vector<std::string> lines;
    for (const NarratedLine& line : narrator_.Take(step)) {
      lines.push_back(absl::StrCat(line.node, "|", line.change.text));
    }
    return lines;
  }

  std::vector<std::string> Changed(const std::string& node, int guests) {
    v1::FleetWatchResponse step;
    step.set_kind(v1::FleetWatchResponse::KIND_HOST_CHANGED);
    step.mutable_record()->set_node(node);
    step.mutable_record()->set_presence(v1::PRESENCE_CURRENT);
    for (int i = 0; i < guests; ++i) {
      v1::Guest& guest = *step.mutable_record()->add_guests();
      guest.set_uuid(absl::StrCat(i));
      guest.set_name(absl::StrCat("g", i));
      guest.set_state(v1::GUEST_STATE_RUNNING);
    }
    return Lines(step);
  }

  std::vector<std::string> Removed(const std::string& node) {
    v1::FleetWatchResponse step;
    step.set_kind(v1::FleetWatchResponse::KIND_HOST_REMOVED);
    step.mutable_record()->set_node(node);
    return Lines(step);
  }

  std::vector<std::string> Synced() {
    v1::FleetWatchResponse step;
    step.set_kind(v1::FleetWatchResponse::KIND_SYNCED);
    return Lines(step);
  }

  FleetNarrator narrator_;
};

TEST_F(FleetNarratorTest, TheFirstStateIsOneLine) {
  narrator_.BeginStream(/*whole_state=*/true);
  EXPECT_THAT(Changed("hv1", 2), IsEmpty());
  EXPECT_THAT(Changed("hv2", 1), IsEmpty());
  EXPECT_THAT(Synced(), ElementsAre("|watching 2 hosts, 3 guests"));
}

TEST_F(FleetNarratorTest, TellsWhatChangedAfterwards) {
  narrator_.BeginStream(true);
  Changed("hv1", 1);
  Synced();
  EXPECT_THAT(Changed("hv1", 2), ElementsAre("hv1|g1 appeared, running"));
  EXPECT_THAT(Changed("hv2", 1), ElementsAre("hv2|host, current, 1 guest"));
  EXPECT_THAT(Removed("hv1"), ElementsAre("hv1|host removed"));
}

TEST_F(FleetNarratorTest, AWatchFromARevisionTellsWhatWasMissed) {
  narrator_.BeginStream(/*whole_state=*/false);
  EXPECT_THAT(Changed("hv1", 2), ElementsAre("hv1|host, current, 2 guests"));
  EXPECT_THAT(Synced(), ElementsAre("|watching"));
}

TEST_F(FleetNarratorTest, BeginningAgainTellsTheDifferenceOnly) {
  narrator_.BeginStream(true);
  Changed("hv1", 1);
  Changed("hv2", 1);
  Changed("hv3", 1);
  Synced();

  narrator_.BeginStream(true);
  EXPECT_THAT(Changed("hv1", 1), IsEmpty());
  EXPECT_THAT(Changed("hv2", 0), ElementsAre("hv2|g0 gone"));
  EXPECT_THAT(Synced(), ElementsAre("hv3|host removed"));
}

}  // namespace
}  // namespace rehai::cli
