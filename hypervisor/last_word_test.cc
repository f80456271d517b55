// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/last_word.h"

#include <gtest/gtest.h>

#include <vector>

namespace rehai::hypervisor {
namespace {

using enum GuestEvent;

GuestEvent LastOf(const std::vector<GuestEvent>& events) {
  GuestEvent word = kChanged;
  for (const GuestEvent event : events) word = LastWord(word, event);
  return word;
}

TEST(LastWordTest, AChangeIsNoSignOfAnEnd) {
  EXPECT_FALSE(SaysGone(LastOf({kChanged}), /*was_persistent=*/false));
  EXPECT_FALSE(SaysGone(LastOf({kPresent, kChanged}), false));
  EXPECT_TRUE(SaysGone(LastOf({kUndefined, kChanged}), true))
      << "and takes none back";
}

TEST(LastWordTest, OnlyATransientGuestIsGoneByStopping) {
  EXPECT_TRUE(SaysGone(LastOf({kStopped}), /*was_persistent=*/false));
  EXPECT_FALSE(SaysGone(LastOf({kStopped}), /*was_persistent=*/true));
}

TEST(LastWordTest, AnUndefineAndAMigrationEndGuestsInWhateverOrderTheyStop) {
  for (const GuestEvent end : {kUndefined, kMigratedAway}) {
    EXPECT_TRUE(SaysGone(LastOf({end}), true));
    EXPECT_TRUE(SaysGone(LastOf({kStopped, end}), true));
    EXPECT_TRUE(SaysGone(LastOf({end, kStopped}), true));
  }
}

TEST(LastWordTest, AGuestThatIsThereAgainHasNotEnded) {
  for (const GuestEvent end : {kStopped, kUndefined, kMigratedAway}) {
    EXPECT_FALSE(SaysGone(LastOf({end, kPresent}), false));
    EXPECT_TRUE(SaysGone(LastOf({kPresent, end}), false));
    EXPECT_FALSE(SaysGone(LastOf({end, kPresent, kStopped}), true));
  }
}

}  // namespace
}  // namespace rehai::hypervisor
