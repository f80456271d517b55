// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/missing_guests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const HostId kA{"a"};
const HostId kB{"b"};
const GuestId k1{"1"};
const GuestId k2{"2"};

TEST(MissingGuestsTest, FindsAGuestWhereverItIsMissing) {
  MissingGuests missing;
  EXPECT_TRUE(missing.empty());
  EXPECT_THAT(missing.Of(kA), IsEmpty());
  EXPECT_THAT(missing.Where(k1), IsEmpty());

  missing.Set(kA, {{k1, Absence::kMoving}, {k2, Absence::kHeld}});
  missing.Set(kB, {{k1, Absence::kHeld}});
  EXPECT_FALSE(missing.empty());
  EXPECT_THAT(missing.Of(kA), ElementsAre(Pair(k1, Absence::kMoving),
                                          Pair(k2, Absence::kHeld)));
  EXPECT_THAT(missing.Where(k1),
              UnorderedElementsAre(Pair(kA, Absence::kMoving),
                                   Pair(kB, Absence::kHeld)));
}

TEST(MissingGuestsTest, WhatIsSetReplacesWhatWas) {
  MissingGuests missing;
  missing.Set(kA, {{k1, Absence::kMoving}});
  missing.Set(kA, {{k2, Absence::kMoving}});
  EXPECT_THAT(missing.Where(k1), IsEmpty());
  EXPECT_THAT(missing.Where(k2), ElementsAre(Pair(kA, Absence::kMoving)));
  missing.Set(kA, {});
  EXPECT_THAT(missing.Where(k2), IsEmpty());
  EXPECT_TRUE(missing.empty());
}

}  // namespace
}  // namespace rehai
