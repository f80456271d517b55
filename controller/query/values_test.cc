// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/query/fields.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai::query {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

TEST(ValuesTest, SizesHaveUnits) {
  EXPECT_THAT(ParseBytes("0"), Optional(0));
  EXPECT_THAT(ParseBytes("1048576"), Optional(1 << 20));
  EXPECT_THAT(ParseBytes("512MiB"), Optional(512 << 20));
  EXPECT_THAT(ParseBytes("512 m"), Optional(512 << 20));
  EXPECT_THAT(ParseBytes("1.5KiB"), Optional(1536));
  EXPECT_THAT(ParseBytes("4GiB"), Optional(int64_t{4} << 30));
  EXPECT_THAT(ParseBytes("2t"), Optional(int64_t{2} << 40));
  for (const char* text : {"", "GiB", "4XiB", "-1", "1..2", "1e3", "9999999P",
                           "nan", "inf", "."}) {
    EXPECT_EQ(ParseBytes(text), std::nullopt) << text;
  }
}

TEST(ValuesTest, DurationsHaveDaysToo) {
  EXPECT_THAT(ParseNanoseconds("30s"), Optional(30'000'000'000));
  EXPECT_THAT(ParseNanoseconds("1h30m"), Optional(5'400'000'000'000));
  EXPECT_THAT(ParseNanoseconds("1.5ms"), Optional(1'500'000));
  EXPECT_THAT(ParseNanoseconds("7d"),
              Optional(absl::ToInt64Nanoseconds(absl::Hours(168))));
  EXPECT_THAT(ParseNanoseconds("1d12h"),
              Optional(absl::ToInt64Nanoseconds(absl::Hours(36))));
  EXPECT_THAT(ParseNanoseconds("-5m"), Optional(-300'000'000'000));
  for (const char* text :
       {"", "-", "30", "d", "soon", "inf", "--5m", "1d-2h", "999999999d"}) {
    EXPECT_EQ(ParseNanoseconds(text), std::nullopt) << text;
  }
}

TEST(ValuesTest, TimesAreRfc3339OrADate) {
  constexpr int64_t kNoon = 1'795'694'400;
  constexpr int64_t kPerSecond = 1'000'000'000;
  EXPECT_THAT(ParseTime("2026-11-26T12:00:00Z"), Optional(kNoon * kPerSecond));
  EXPECT_THAT(ParseTime("2026-11-26T13:00:00+01:00"),
              Optional(kNoon * kPerSecond));
  EXPECT_THAT(ParseTime("2026-11-26T12:00:00.25Z"),
              Optional(kNoon * kPerSecond + kPerSecond / 4));
  EXPECT_THAT(ParseTime("2026-11-26"),
              Optional((kNoon - 12 * 3600) * kPerSecond));
  for (const char* text : {"", "now", "2026-11-26T12:00:00", "2026-13-01"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

TEST(ValuesTest, KeysAreAsTheInventoryHasThem) {
  EXPECT_EQ(CanonicalMac("52-54-00-6B-3C-58"), "52:54:00:6b:3c:58");
  EXPECT_EQ(CanonicalUuid("6B29FC40CA471067B31D00DD010662DA"),
            "6b29fc40-ca47-1067-b31d-00dd010662da");
  EXPECT_EQ(CanonicalUuid("6B29FC40-"), "6b29fc40-");
}

TEST(ValuesTest, WordsAreWrittenInManyWays) {
  const Field& state = *FindField(Kind::kGuests, {"state"})->field;
  for (const char* text : {"shut_off", "shut-off", "SHUT_OFF", "shut off",
                           "GUEST_STATE_SHUT_OFF", "guest_state_shut_off"}) {
    EXPECT_THAT(ParseWord(state, text),
                IsOkAndHolds(int64_t{v1::GUEST_STATE_SHUT_OFF}))
        << text;
  }
  EXPECT_EQ(Word(state, v1::GUEST_STATE_SHUT_OFF), "shut_off");
  EXPECT_THAT(ParseWord(state, "pausd"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean paused?")));
}

}  // namespace
}  // namespace rehai::query
