// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/plain_text.h"

#include <gtest/gtest.h>

#include <string>

namespace rehai::chef {
namespace {

TEST(PlainTextTest, EveryByteIsJudgedTheSameAtEveryPlace) {
  for (int c = 0; c < 256; ++c) {
    const bool is_plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
    EXPECT_EQ(IsPlain(c), is_plain) << c;
    for (size_t place = 0; place < 20; ++place) {
      std::string text(20, 'a');
      text[place] = static_cast<char>(c);
      EXPECT_EQ(PlainLength(text), is_plain ? text.size() : place)
          << "byte " << c << " at " << place;
    }
  }
}

TEST(PlainTextTest, StopsAtTheFirstOfSeveral) {
  for (const std::string first : {"\"", "\\", "\n", "\xC3", "\x80", "\xFF"}) {
    for (const std::string second :
         {"\"", "\\", "\n", "\xC3", "\x80", "\xFF"}) {
      EXPECT_EQ(PlainLength("ab" + first + second + "cdefghijk"), 2);
    }
  }
}

TEST(PlainTextTest, LooksNoFurtherThanTheText) {
  const std::string text = "plain up to here\"";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(PlainLength(absl::string_view(text).substr(0, size)), size);
  }
}

}  // namespace
}  // namespace rehai::chef
