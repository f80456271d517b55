// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/differences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::HistoryEvent At(const std::string& node, v1::GuestState state,
                    int64_t sequence = 1) {
  v1::HistoryEvent event;
  event.set_sequence(sequence);
  event.set_node(node);
  event.mutable_guest()->set_uuid("u");
  event.mutable_guest()->set_state(state);
  return event;
}

constexpr v1::GuestState kRunning = v1::GUEST_STATE_RUNNING;
constexpr v1::GuestState kOff = v1::GUEST_STATE_SHUT_OFF;

TEST(DifferenceOfTest, NoneIfNothingDiffersHoweverMuchHappenedBetween) {
  EXPECT_EQ(DifferenceOf("u", {At("a", kOff, 1)}, {At("a", kOff, 9)}),
            std::nullopt);
  EXPECT_EQ(DifferenceOf("u", {}, {}), std::nullopt);
}

TEST(DifferenceOfTest, AppearedGoneAndChanged) {
  const auto appeared = DifferenceOf("u", {}, {At("a", kOff)});
  ASSERT_TRUE(appeared.has_value());
  EXPECT_EQ(appeared->kind(), v1::DIFFERENCE_KIND_APPEARED);
  EXPECT_FALSE(appeared->has_before());
  EXPECT_EQ(appeared->after().node(), "a");

  const auto gone = DifferenceOf("u", {At("a", kOff)}, {});
  ASSERT_TRUE(gone.has_value());
  EXPECT_EQ(gone->kind(), v1::DIFFERENCE_KIND_GONE);
  EXPECT_EQ(gone->before().guest().state(), kOff);

  const auto changed = DifferenceOf("u", {At("a", kOff)}, {At("a", kRunning)});
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(changed->kind(), v1::DIFFERENCE_KIND_CHANGED);
  EXPECT_THAT(changed->changed_fields(), ElementsAre("state"));

  v1::HistoryEvent missing = At("a", kOff);
  missing.set_missing(true);
  const auto missed = DifferenceOf("u", {At("a", kOff)}, {missing});
  ASSERT_TRUE(missed.has_value());
  EXPECT_EQ(missed->kind(), v1::DIFFERENCE_KIND_CHANGED);
  EXPECT_THAT(missed->changed_fields(), IsEmpty());
}

TEST(DifferenceOfTest, AGuestIsWhereItRunsNotWhereADefinitionStayed) {
  const auto moved = DifferenceOf("u", {At("a", kRunning)},
                                  {At("a", kOff, 5), At("b", kRunning, 4)});
  ASSERT_TRUE(moved.has_value());
  EXPECT_EQ(moved->kind(), v1::DIFFERENCE_KIND_MOVED);
  EXPECT_EQ(moved->before().node(), "a");
  EXPECT_EQ(moved->after().node(), "b");
  EXPECT_THAT(moved->changed_fields(), IsEmpty());
  // Where it runs nowhere, it is where something last happened to it.
  EXPECT_EQ(
      DifferenceOf("u", {At("b", kOff)}, {At("a", kOff, 5), At("b", kOff, 6)}),
      std::nullopt);
}

}  // namespace
}  // namespace rehai
