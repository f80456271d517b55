// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/matchers.h"

namespace rehai::query {
namespace {

using ::testing::HasSubstr;

// What is made of it, with all its parentheses; and back from that.
std::string Understood(const std::string& filter) {
  const auto expression = Parse(filter);
  if (!expression.ok()) return expression.status().ToString();
  const std::string printed = Print(*expression);
  const auto again = Parse(printed);
  EXPECT_THAT(again, IsOk()) << printed;
  if (again.ok()) {
    EXPECT_EQ(*again, *expression) << printed;
  }
  return printed;
}

TEST(ExpressionTest, IsUnderstoodAsTheGrammarSays) {
  const struct {
    const char* filter;
    const char* means;
  } cases[] = {
      {"", ""},
      {"  \t\n ", ""},
      {"web", "web"},
      {"web-*", "web-*"},
      {"web*.example.com", "web*.example.com"},
      {"\"a b\"", "\"a b\""},
      {"'a b'", "\"a b\""},
      {"a=b", "a = b"},
      {"  a   =\tb ", "a = b"},
      {"a != b", "a != b"},
      {"a<b", "a < b"},
      {"a<=b", "a <= b"},
      {"a>b", "a > b"},
      {"a>=b", "a >= b"},
      {"a:b", "a : b"},
      {"a:*", "a : *"},
      {"a.b.c=d", "a.b.c = d"},
      {"labels.\"my key\" = \"my value\"", "labels.\"my key\" = \"my value\""},
      // A value goes on to the next space.
      {"ip=10.0.0.0/24 b", "ip = \"10.0.0.0/24\" AND b"},
      {"mac=52:54:00:00:00:01", "mac = \"52:54:00:00:00:01\""},
      {"t > 2026-11-26T12:00:00+01:00", "t > \"2026-11-26T12:00:00+01:00\""},
      {"x = a=b", "x = \"a=b\""},
      {"x = -5", "x = \"-5\""},
      // Side by side is AND, and OR binds before it.
      {"a b", "a AND b"},
      {"a AND b OR c", "a AND (b OR c)"},
      {"a OR b AND c", "(a OR b) AND c"},
      {"a b OR c d", "a AND (b OR c) AND d"},
      {"(a AND b) OR c", "(a AND b) OR c"},
      {"((a))", "a"},
      {"(a b) c", "(a AND b) AND c"},
      {"NOT a", "NOT a"},
      {"-a", "NOT a"},
      {"NOT a OR b", "(NOT a) OR b"},
      {"NOT (a b)", "NOT (a AND b)"},
      {"-(a OR b)", "NOT (a OR b)"},
      {"NOT (NOT a)", "NOT (NOT a)"},
      // Only whole words, and only in capitals, are keywords.
      {"ANDROID or NOTE", "ANDROID AND or AND NOTE"},
      {"a = OR", "a = \"OR\""},
      {"\"AND\"", "\"AND\""},
      // One field, several values.
      {"a = (b OR c)", "a = b OR a = c"},
      {"a : (b c) d", "(a : b AND a : c) AND d"},
      {"ip = (10.0.0.7 OR NOT 10.0.0.0/8)",
       "ip = \"10.0.0.7\" OR (NOT ip = \"10.0.0.0/8\")"},
      // In quotes, a backslash takes what follows as it is.
      {R"(a = "x\"y\\z")", R"(a = "x\"y\\z")"},
      {R"(a = "x\*y*")", R"(a = "x\*y*")"},
      {R"(a = "\?")", R"(a = "\?")"},
      {R"(a = '"')", R"(a = "\"")"},
      {"a = \"\"", "a = \"\""},
      {"a = é", "a = \"é\""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Understood(c.filter), c.means) << c.filter;
  }
}

TEST(ExpressionTest, ErrorsSayWhatIsWrongWhere) {
  const struct {
    const char* filter;
    const char* error;
  } cases[] = {
      {"a =", "character 4: ends where more is expected"},
      {"ä = \"é\" )", "character 9: a ) without its ("},
      {"(a", "character 1: a ( without its )"},
      {"a)", "character 2: a ) without its ("},
      {"a = (b = c)", "character 6: a comparison among the values"},
      {"\"a", "character 1: a quote without its end"},
      {"\"a\\", "character 1: a quote without its end"},
      {"a = \"b", "character 5: a quote without its end"},
      {"AND a", "character 1: AND where a field or a word is expected"},
      {"a AND", "character 6: ends where more is expected"},
      {"a OR", "character 5: ends where more is expected"},
      {"a OR OR b", "character 6: OR where"},
      {"NOT", "character 4: ends where more is expected"},
      {"NOT NOT a", "character 5: NOT where"},
      {"NOT -a", "character 5: a second negation"},
      {"--a = 1", "character 2: a second negation"},
      {"a = (b OR --c)", "character 12: a second negation"},
      {"a ! b", "character 3: ! is no comparator"},
      {"= a", "character 1: \"=\" where a field or a value is expected"},
      {"a. = b", "character 3: \" \" where"},
      {".a", "character 1: \".\" where"},
      {"()", "character 2: \")\" where"},
      {"a = \x01", "character 5: a control character"},
      {"a = \"\x02\"", "character 6: a control character"},
      {"a = \"\\\x02\"", "character 7: a control character"},
      {"a\x7f", "character 2: a control character"},
      {"a = \xff", "not UTF-8"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Parse(c.filter), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr(c.error)))
        << c.filter;
  }
}

TEST(ExpressionTest, SizeAndDepthAreBounded) {
  const auto nested = [](int depth) {
    return absl::StrCat(std::string(depth, '('), "a", std::string(depth, ')'));
  };
  EXPECT_THAT(Parse(nested(kMaxDepth)), IsOk());
  EXPECT_THAT(Parse(nested(kMaxDepth + 1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("parentheses within another")));
  // One after the other they are not deep.
  std::string flat;
  for (int i = 0; i < kMaxDepth + 1; ++i) flat += "(a) ";
  EXPECT_THAT(Parse(flat), IsOk());

  std::string words;
  for (int i = 0; i < kMaxRestrictions; ++i) words += "a ";
  EXPECT_THAT(Parse(words), IsOk());
  EXPECT_THAT(Parse(words + "a"), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("more than 256")));

  EXPECT_THAT(Parse(std::string(kMaxFilterBytes, 'a')), IsOk());
  EXPECT_THAT(Parse(std::string(kMaxFilterBytes + 1, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai::query
