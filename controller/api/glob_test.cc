// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace rehai {
namespace {

TEST(GlobTest, MatchesTheWholeText) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } cases[] = {
      {"", "", true},
      {"", "a", false},
      {"*", "", true},
      {"*", "anything", true},
      {"web01", "web01", true},
      {"web01", "web011", false},
      {"web", "web01", false},
      {"web*", "web01", true},
      {"web*", "web", true},
      {"*01", "web01", true},
      {"*01", "web0101", true},
      {"*01", "web012", false},
      {"w*b*1", "web01", true},
      {"w*b*2", "web01", false},
      {"*ab*ab*", "xabyabz", true},
      {"*aab", "aaaab", true},
      {"web??", "web01", true},
      {"web??", "web1", false},
      {"?", "", false},
      {"?*", "a", true},
      {"a**b", "ab", true},
      {"Web*", "web01", false},
      {"a.c", "abc", false},
      {"[ab]", "a", false},
      {"a*", "*", false},
      {"\\*", "*", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(GlobMatches(c.pattern, c.text), c.matches)
        << "pattern " << c.pattern << ", text " << c.text;
  }
}

TEST(GlobTest, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  // A backtracking matcher would still be at it tomorrow.
  EXPECT_FALSE(GlobMatches(pattern + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace rehai
