// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/text_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace rehai::query {
namespace {

// As a filter writes it.
TextPattern Pattern(std::string text) {
  std::replace(text.begin(), text.end(), '*', kAnyText);
  std::replace(text.begin(), text.end(), '?', kAnyCharacter);
  return TextPattern(text);
}

TEST(TextPatternTest, MatchesTheWholeText) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "anything", true},
      {"**", "", true},
      {"web01", "web01", true},
      {"web01", "web011", false},
      {"web", "web01", false},
      {"web*", "web01", true},
      {"web*", "web", true},
      {"web*", "aweb", false},
      {"*01", "web01", true},
      {"*01", "web0101", true},
      {"*01", "web012", false},
      {"*eb*", "web", true},
      {"*eb*", "wb", false},
      {"w*1", "web01", true},
      {"we*01", "we01", true},
      {"web*b01", "web01", false},
      {"w*2", "web01", false},
      {"x*1", "web01", false},
      {"é*ü", "éü", true},
      {"w*b*1", "web01", true},
      {"w*b*2", "web01", false},
      {"*ab*ab*", "xabyabz", true},
      {"*aab", "aaaab", true},
      {"web??", "web01", true},
      {"web??", "web1", false},
      {"?", "", false},
      {"?*", "a", true},
      {"caf?", "café", true},
      {"caf??", "café", false},
      {"*?", "é", true},
      {"?*?", "é", false},
      {"a?b", "a\xffz", false},
      {"a?z", "a\xffz", true},
      {"a**b", "ab", true},
      {"Web*", "web01", false},
      {"a.c", "abc", false},
      {"[ab]", "a", false},
      {"a*", "*", false},
      {"\\*", "*", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Pattern(c.pattern).Matches(c.text), c.matches)
        << "pattern " << c.pattern << ", text " << c.text;
  }
}

TEST(TextPatternTest, WithinIsAnywhere) {
  EXPECT_TRUE(TextPattern::Within("b0").Matches("web01"));
  EXPECT_TRUE(TextPattern::Within("").Matches(""));
  EXPECT_FALSE(TextPattern::Within("b1").Matches("web01"));
}

TEST(TextPatternTest, ALiteralIsOneWithoutWildcards) {
  EXPECT_TRUE(Pattern("web01").IsLiteral());
  EXPECT_EQ(Pattern("web01").literal(), "web01");
  for (const char* text : {"web*", "*web", "w*b", "web0?", "*", "?"}) {
    EXPECT_FALSE(Pattern(text).IsLiteral()) << text;
  }
}

TEST(TextPatternTest, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  // A backtracking matcher would still be at it tomorrow.
  EXPECT_FALSE(Pattern(pattern + "b").Matches(std::string(10'000, 'a')));
}

}  // namespace
}  // namespace rehai::query
