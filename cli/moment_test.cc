// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/moment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;

// Two hours east of Greenwich, at 14:05:03 there.
const absl::TimeZone kZone = absl::FixedTimeZone(7200);
const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2026, 11, 26, 14, 5, 3), kZone);

std::string Parsed(const std::string& text) {
  const auto moment = ParseMoment("--since", text, kNow, kZone);
  if (!moment.ok()) return std::string(moment.status().message());
  return absl::FormatTime("%Y-%m-%d %H:%M:%E*S", *moment, kZone);
}

TEST(MomentTest, TimesAsPeopleWriteThem) {
  EXPECT_EQ(Parsed("now"), "2026-11-26 14:05:03");
  EXPECT_EQ(Parsed("14:00"), "2026-11-26 14:00:00");
  EXPECT_EQ(Parsed("14:00:30"), "2026-11-26 14:00:30");
  EXPECT_EQ(Parsed("today 09:30"), "2026-11-26 09:30:00");
  EXPECT_EQ(Parsed("today"), "2026-11-26 00:00:00");
  EXPECT_EQ(Parsed("yesterday 14:05"), "2026-11-25 14:05:00");
  EXPECT_EQ(Parsed("yesterday"), "2026-11-25 00:00:00");
  EXPECT_EQ(Parsed("2026-11-20"), "2026-11-20 00:00:00");
  EXPECT_EQ(Parsed("2026-11-20 08:15"), "2026-11-20 08:15:00");
  EXPECT_EQ(Parsed(" 2026-11-20 08:15:01 "), "2026-11-20 08:15:01");
}

TEST(MomentTest, Rfc3339HasItsOwnZone) {
  EXPECT_EQ(Parsed("2026-11-26T12:00:00.5Z"), "2026-11-26 14:00:00.5");
  EXPECT_EQ(Parsed("2026-11-26T12:00:00+02:00"), "2026-11-26 12:00:00");
}

TEST(MomentTest, HowLongAgo) {
  EXPECT_EQ(Parsed("10m"), "2026-11-26 13:55:03");
  EXPECT_EQ(Parsed("10m ago"), "2026-11-26 13:55:03");
  EXPECT_EQ(Parsed("1h30m"), "2026-11-26 12:35:03");
  EXPECT_EQ(Parsed("3d"), "2026-11-23 14:05:03");
  EXPECT_EQ(Parsed("1w1d"), "2026-11-18 14:05:03");
}

TEST(MomentTest, WhatIsNoTimeSaysHowToWriteOne) {
  for (const char* text : {"", " ", "ago", "soon", "-2h", "inf", "25:00", "7",
                           "2026-13-01", "d", "xd", "1d2x"}) {
    EXPECT_THAT(
        ParseMoment("--since", text, kNow, kZone),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--since")))
        << text;
  }
}

TEST(MomentTest, SpansAreAboveZero) {
  EXPECT_THAT(ParseSpan("--deadline", "1d12h"), IsOkAndHolds(absl::Hours(36)));
  EXPECT_THAT(ParseSpan("--deadline", "500ms"),
              IsOkAndHolds(absl::Milliseconds(500)));
  for (const char* text : {"", "0s", "-1s", "7", "inf", "2 days"}) {
    EXPECT_THAT(
        ParseSpan("--deadline", text),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--deadline")))
        << text;
  }
}

}  // namespace
}  // namespace rehai::cli
