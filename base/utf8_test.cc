// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace rehai {
namespace {

TEST(Utf8Test, CharactersOfEveryLengthAreTaken) {
  for (const char* const text :
       {"", "a", "\x7F", "\xC2\x80", "é", "\xE0\xA0\x80", "€", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xF0\x90\x80\x80", "😀", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
    EXPECT_EQ(ToUtf8(text), text);
  }
  EXPECT_TRUE(IsUtf8(absl::string_view("\0", 1)));
}

TEST(Utf8Test, WhatIsNoneIsReplacedByteByByte) {
  for (const char* const text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xE2\x82",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xE2\x82x"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
    EXPECT_TRUE(IsUtf8(ToUtf8(text))) << text;
  }
  EXPECT_EQ(ToUtf8("a\xFF"
                   "b\xC3"),
            "a\uFFFDb\uFFFD");
}

TEST(Utf8Test, AnExcerptHasNoHalfOfACharacter) {
  EXPECT_EQ(Excerpt("ab", 2), "ab");
  EXPECT_EQ(Excerpt("abc", 2), "ab...");
  EXPECT_EQ(Excerpt("aé", 2), "a...");
  EXPECT_EQ(Excerpt("é", 2), "é");
  EXPECT_EQ(Excerpt("😀", 3), "...");
  EXPECT_EQ(Excerpt("ab\xFF", 3), "ab\uFFFD");
  // Where no character begins, it still ends.
  EXPECT_TRUE(IsUtf8(Excerpt(std::string(100, '\x80'), 50)));
}

}  // namespace
}  // namespace rehai
