// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/moves.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

const HostId kHere{"hv1"};
const HostId kThere{"hv2"};
const GuestId kWeb{"uuid-web"};
const GuestId kDb{"uuid-db"};
constexpr absl::Duration kNow = absl::Seconds(1000);
constexpr Moves::Options kOptions;

bool IsMoving(const Moves& moves, const HostId& host, const GuestId& guest,
              absl::Duration now) {
  return moves.MovingUntil(host, guest, now) > now;
}

TEST(MovesTest, NobodyMovesWithoutASign) {
  const Moves moves(kOptions);
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow));
}

TEST(MovesTest, AGuestThatItsHostSaysMigratedAwayMovesForAWhile) {
  Moves moves(kOptions);
  moves.MigratedAway(kHere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.departure);
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow + kOptions.departure));
  EXPECT_FALSE(IsMoving(moves, kHere, kDb, kNow));
  EXPECT_FALSE(IsMoving(moves, kThere, kWeb, kNow));
}

TEST(MovesTest, AGuestThatCameBackHasNotLeft) {
  Moves moves(kOptions);
  moves.MigratedAway(kHere, kWeb, kNow);
  EXPECT_TRUE(moves.HasLeft(kHere, kWeb, kNow + kOptions.departure));
  EXPECT_FALSE(moves.HasLeft(kHere, kWeb, kNow + kOptions.departure * 2));
  moves.CameBack(kThere, kWeb, kNow);
  EXPECT_TRUE(moves.HasLeft(kHere, kWeb, kNow)) << "that is where it went";
  moves.CameBack(kHere, kWeb, kNow);
  EXPECT_FALSE(moves.HasLeft(kHere, kWeb, kNow));
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow));
}

TEST(MovesTest, AGuestThatAnotherHostTellsOfMovesUntilThatOneIsRead) {
  Moves moves(kOptions);
  moves.Hinted(kThere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.arrival);
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow + kOptions.arrival))
      << "a host that hangs does not keep it for ever";
  moves.Answered(kThere, kWeb, kNow);
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow));
}

TEST(MovesTest, AHostsOwnEventMayOnlyHaveBeenFasterThanAnothers) {
  Moves moves(kOptions);
  moves.Hinted(kHere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.settle);
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow + kOptions.settle));
  moves.Answered(kHere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.settle)
      << "that it is gone here does not tell that it is not there";
}

TEST(MovesTest, AHostThatLacksAGuestMayOnlyHaveBeenReadBeforeItsEventCame) {
  Moves moves(kOptions);
  moves.Missed(kHere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.settle);
  EXPECT_FALSE(IsMoving(moves, kHere, kWeb, kNow + kOptions.settle));
  EXPECT_FALSE(IsMoving(moves, kThere, kWeb, kNow))
      << "it is no sign that the guest is anywhere";
}

TEST(MovesTest, AReadThatBeganBeforeTheEventDoesNotAnswerIt) {
  Moves moves(kOptions);
  moves.Hinted(kThere, kWeb, kNow);
  moves.Answered(kThere, kWeb, kNow - absl::Milliseconds(1));
  EXPECT_TRUE(IsMoving(moves, kHere, kWeb, kNow));
}

TEST(MovesTest, TheLaterSignCounts) {
  Moves moves(kOptions);
  moves.MigratedAway(kHere, kWeb, kNow);
  moves.Hinted(kThere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.departure);
  moves.Answered(kThere, kWeb, kNow);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, kNow), kNow + kOptions.departure)
      << "the read there may have come too early";
}

TEST(MovesTest, ASignGivenAgainIsNotForgottenWithTheFirst) {
  Moves moves(kOptions);
  moves.MigratedAway(kHere, kWeb, kNow);
  const absl::Duration again = kNow + kOptions.departure / 2;
  moves.MigratedAway(kHere, kWeb, again);
  // Makes it forget the first.
  const absl::Duration later = kNow + kOptions.departure + absl::Seconds(1);
  moves.MigratedAway(kHere, kDb, later);
  EXPECT_EQ(moves.MovingUntil(kHere, kWeb, later), again + kOptions.departure);
}

}  // namespace
}  // namespace rehai
