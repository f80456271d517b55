// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/exact_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers.h"

namespace rehai::lab {
namespace {

TEST(ExactJsonTest, NumbersComeOutAsTheyWereSpelled) {
  const std::string text =
      R"({"a":1795527759.2440631,"b":[1.50,-0.0,2.5E-3],)"
      R"("c":18446744073709551616,"d":"1.50","e":"a \"7\" \\","f":null})";
  const auto tree = ParseExactly(text);
  ASSERT_THAT(tree, IsOk());
  EXPECT_EQ(DumpExactly(*tree), text);
}

TEST(ExactJsonTest, TreesDifferWhereOnlyASpellingDoes) {
  EXPECT_NE(*ParseExactly("[1.50]"), *ParseExactly("[1.5]"));
  EXPECT_NE(*ParseExactly("[1]"), *ParseExactly("[\"1\"]"));
}

TEST(ExactJsonTest, KeyOrderWhiteSpaceAndEscapesMakeNoDifference) {
  EXPECT_EQ(*ParseExactly(R"({"a": "\u003c", "b": 1 })"),
            *ParseExactly(R"({"b":1,"a":"<"})"));
}

TEST(ExactJsonTest, NumbersCanBePutInAndAskedFor) {
  nlohmann::json tree;
  tree["a"] = ExactNumber("1.50");
  tree["b"] = "1.50";
  EXPECT_EQ(DumpExactly(tree), R"({"a":1.50,"b":"1.50"})");
  EXPECT_EQ(SpellingOf(tree["a"]), "1.50");
  EXPECT_EQ(SpellingOf(tree["b"]), "");
}

TEST(ExactJsonTest, WhatIsNotJsonIsRefused) {
  for (const char* text : {"", "{", "{\"a\":}", "\"a"}) {
    EXPECT_THAT(ParseExactly(text),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace rehai::lab
