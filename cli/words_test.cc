// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/status/status.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;

TEST(WordsTest, AgesAreShort) {
  EXPECT_EQ(Age(absl::Seconds(-5)), "0s");
  EXPECT_EQ(Age(absl::Milliseconds(900)), "0s");
  EXPECT_EQ(Age(absl::Seconds(12)), "12s");
  EXPECT_EQ(Age(absl::Seconds(119)), "119s");
  EXPECT_EQ(Age(absl::Seconds(120)), "2m");
  EXPECT_EQ(Age(absl::Minutes(119)), "119m");
  EXPECT_EQ(Age(absl::Hours(3)), "3h");
  EXPECT_EQ(Age(absl::Hours(47)), "47h");
  EXPECT_EQ(Age(absl::Hours(49)), "2d");
}

TEST(WordsTest, AnAbsentMomentHasNoAge) {
  google::protobuf::Timestamp moment;
  moment.set_seconds(100);
  EXPECT_EQ(AgeOf(moment, true, absl::FromUnixSeconds(107)), "7s");
  EXPECT_EQ(AgeOf(moment, false, absl::FromUnixSeconds(107)), "-");
}

TEST(WordsTest, MemoryIsInMemoryText) {
  EXPECT_EQ(MemoryText(2 << 20), "2.0 GiB");
  EXPECT_EQ(MemoryText(512 << 10), "512 MiB");
  EXPECT_EQ(MemoryText(32 << 10), "32 MiB");
}

TEST(WordsTest, BytesAreInTheirLargestUnit) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(5'000'000), "4.8 MiB");
}

TEST(WordsTest, LatenciesAreReadable) {
  EXPECT_EQ(LatencyText(absl::Microseconds(12345)), "12.3ms");
  EXPECT_EQ(LatencyText(absl::Milliseconds(1500)), "1.5s");
  EXPECT_EQ(LatencyText(absl::Seconds(12)), "12s");
}

template <typename Enum>
void ExpectAWordForEach(std::string (*word)(Enum), int first, int last) {
  std::set<std::string> words;
  for (int i = first; i <= last; ++i) words.insert(word(static_cast<Enum>(i)));
  EXPECT_EQ(words.size(), static_cast<size_t>(last - first + 1));
  EXPECT_EQ(words.count("-"), 0u);
}

TEST(WordsTest, EverythingThatIsCountedHasAWordOfItsOwn) {
  ExpectAWordForEach(WriteOutcomeWord, 1, v1::WriteOutcome_MAX);
  ExpectAWordForEach(OverwriterWord, 1, v1::Overwriter_MAX);
  ExpectAWordForEach(CauseWord, 1, v1::WriteCause_MAX);
  ExpectAWordForEach(LaneWord, 1, v1::Lane_MAX);
  ExpectAWordForEach(ServerWord, 1, v1::ServerState_MAX);
  ExpectAWordForEach(SyncWord, 1, v1::SyncState_MAX);
  ExpectAWordForEach(ConnectionWord, 1, v1::ConnectionState_MAX);
}

TEST(WordsTest, NounsAgreeWithTheirNumber) {
  EXPECT_EQ(Count(0, "host"), "0 hosts");
  EXPECT_EQ(Count(1, "host"), "1 host");
  EXPECT_EQ(Count(2, "host"), "2 hosts");
}

TEST(WordsTest, EveryStateIsReadInTheWordsItIsShownIn) {
  for (int i = v1::GuestState_MIN; i <= v1::GuestState_MAX; ++i) {
    const auto state = static_cast<v1::GuestState>(i);
    EXPECT_THAT(ParseState(StateWord(state)), IsOkAndHolds(state));
  }
  for (const char* text : {"shut off", "shut-off", "shutoff", "SHUT_OFF"}) {
    EXPECT_THAT(ParseState(text), IsOkAndHolds(v1::GUEST_STATE_SHUT_OFF));
  }
}

TEST(WordsTest, EveryStateOfAConnectionIsReadInItsWord) {
  for (int i = 1; i <= v1::ConnectionState_MAX; ++i) {
    const auto state = static_cast<v1::ConnectionState>(i);
    EXPECT_THAT(ParseConnectionState(ConnectionWord(state)),
                IsOkAndHolds(state));
  }
  EXPECT_THAT(ParseConnectionState("asleep"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("up, dialing, waiting, quarantined")));
}

TEST(WordsTest, AHostThatIsNotWrittenStandsOut) {
  EXPECT_EQ(SyncColour(v1::SYNC_STATE_HELD), Colour::kRed);
  EXPECT_EQ(SyncColour(v1::SYNC_STATE_PARKED), Colour::kRed);
}

TEST(WordsTest, AnUnknownStateIsAnsweredWithTheNearest) {
  EXPECT_THAT(ParseState("runing"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean running?")));
  EXPECT_THAT(ParseState("flying-high"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("running, blocked, paused")));
}

}  // namespace
}  // namespace rehai::cli
