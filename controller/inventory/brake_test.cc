// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/brake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rehai {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Absence kGone = Absence::kGone;
constexpr Absence kMoving = Absence::kMoving;
constexpr Absence kHeld = Absence::kHeld;

const Absentee kUnexplained = {};

struct BoundsCase {
  size_t absent;
  size_t known;
  BrakeOptions options;
  Absence verdict;
};

TEST(BrakeTest, HoldsWhatPassesBothBounds) {
  const BoundsCase cases[] = {
      // Too few to tell a broken host from a small one that was emptied.
      {3, 3, {}, kGone},
      {3, 4, {}, kGone},
      // Many, and no more than half.
      {4, 8, {}, kGone},
      {50, 100, {}, kGone},
      // Both.
      {4, 7, {}, kHeld},
      {4, 4, {}, kHeld},
      {51, 100, {}, kHeld},
      {100, 100, {}, kHeld},
      // Other bounds.
      {1, 9, {.share = 0, .count = 0}, kHeld},
      {100, 100, {.share = 1, .count = 0}, kGone},
      {99, 100, {.share = 0.99, .count = 3}, kGone},
      {100, 100, {.share = 0.99, .count = 100}, kGone},
  };
  for (const BoundsCase& c : cases) {
    EXPECT_THAT(JudgeAbsent(std::vector<Absentee>(c.absent, kUnexplained),
                            c.known, c.options),
                Each(c.verdict))
        << c.absent << " of " << c.known << ", share " << c.options.share
        << ", count " << c.options.count;
  }
}

struct EvidenceCase {
  std::string claim;
  Absentee guest;
  Absence alone;   // no brake
  Absence braked;  // with many others missing
};

TEST(BrakeTest, EvidenceGoesBeforeTheBrake) {
  const EvidenceCase cases[] = {
      {"nothing known", {}, kGone, kHeld},
      {"moving", {.is_moving = true}, kMoving, kMoving},
      {"removed", {.is_removed = true}, kGone, kGone},
      {"elsewhere", {.is_active_elsewhere = true}, kGone, kGone},
      {"arrived",
       {.is_moving = true, .is_active_elsewhere = true},
       kGone,
       kGone},
      {"moving, and undefined here",
       {.is_moving = true, .is_removed = true},
       kMoving,
       kMoving},
      {"held", {.was_held = true}, kHeld, kHeld},
      {"held, said to move",
       {.is_moving = true, .was_held = true},
       kHeld,
       kHeld},
      {"held and removed",
       {.is_removed = true, .was_held = true},
       kGone,
       kGone},
      {"held, seen elsewhere",
       {.is_active_elsewhere = true, .was_held = true},
       kGone,
       kGone},
  };
  for (const EvidenceCase& c : cases) {
    EXPECT_THAT(JudgeAbsent({c.guest}, 100, {}), ElementsAre(c.alone))
        << c.claim;
    std::vector<Absentee> many(99, kUnexplained);
    many.insert(many.begin(), c.guest);
    EXPECT_EQ(JudgeAbsent(many, 100, {}).front(), c.braked) << c.claim;
  }
}

TEST(BrakeTest, ExplainedAbsencesDoNotCount) {
  for (const Absentee& explained :
       {Absentee{.is_moving = true}, Absentee{.is_removed = true},
        Absentee{.is_active_elsewhere = true}}) {
    std::vector<Absentee> absent(10, explained);
    absent.insert(absent.end(), 3, kUnexplained);
    EXPECT_EQ(JudgeAbsent(absent, 13, {}).back(), kGone);
  }
}

TEST(BrakeTest, HeldGuestsCountWithNewAbsences) {
  const std::vector<Absentee> absent = {
      {.was_held = true}, {.was_held = true}, {.was_held = true}, kUnexplained};
  EXPECT_THAT(JudgeAbsent(absent, 7, {}), Each(kHeld));
  EXPECT_THAT(JudgeAbsent(absent, 8, {}),
              ElementsAre(kHeld, kHeld, kHeld, kGone));
}

TEST(BrakeTest, TheMessageSaysHowManySinceWhenAndWhatToDo) {
  EXPECT_THAT(
      MassDisappearanceMessage("hv1", 6, 10, absl::FromUnixSeconds(1795527759)),
      AllOf(HasSubstr("hv1"), HasSubstr("6 of its 10 guests"),
            HasSubstr("2026-11-24T"),
            HasSubstr("`rehaictl source confirm hv1`")));
}

}  // namespace
}  // namespace rehai
