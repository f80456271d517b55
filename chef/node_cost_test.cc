// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MATCHER_P2(Is, path, bytes, "") {
  return arg.path == path && arg.bytes == static_cast<int64_t>(bytes);
}

TEST(BiggestPathsTest, AreListedWithTheirParentsBiggestFirst) {
  const std::string big(600, 'x');
  const std::string document = absl::StrCat(
      R"({"small":1, "a" : {"b.c":")", big, R"(","d":[1,2],"e":{"f":")",
      big.substr(300), R"("}},"\u0061\"":")", big.substr(500), R"("})");
  const auto paths = BiggestPaths(document, 10);
  ASSERT_THAT(paths, IsOk());
  EXPECT_THAT(
      *paths,
      ElementsAre(
          Is("a", strlen(R"("a" : {"b.c":"","d":[1,2],"e":{"f":""}})") + 900),
          Is(R"(a."b.c")", strlen(R"("b.c":"")") + 600),
          Is("a.e", strlen(R"("e":{"f":""})") + 300),
          Is("a.e.f", strlen(R"("f":"")") + 300),
          Is(R"("a\"")", strlen(R"("\u0061\"":"")") + 100)));
}

TEST(BiggestPathsTest, AreAsManyAsAskedFor) {
  EXPECT_THAT(*BiggestPaths(R"({"a":{"b":{"c":1}},"d":2})", 2),
              ElementsAre(Is("a", strlen(R"("a":{"b":{"c":1}})")),
                          Is("a.b", strlen(R"("b":{"c":1})"))));
  EXPECT_THAT(*BiggestPaths(R"({"a":1})", 0), IsEmpty());
}

TEST(BiggestPathsTest, OfANodeWithNothingInItAreNone) {
  EXPECT_THAT(*BiggestPaths("{ }", 5), IsEmpty());
}

TEST(BiggestPathsTest, OfARealNodeFindTheirWayThroughIt) {
  const auto document = ReadFile("tests/data/ohai_node.json");
  ASSERT_THAT(document, IsOk());
  const auto paths = BiggestPaths(*document, 5);
  ASSERT_THAT(paths, IsOk());
  EXPECT_EQ(paths->front().path, "automatic");
  EXPECT_GT(paths->front().bytes, document->size() / 2);
  EXPECT_LT(paths->front().bytes, document->size());
}

TEST(BiggestPathsTest, OfWhatIsNoObjectAreAnError) {
  for (const char* const document : {"", "[]", "{\"a\":", "{\"a\":{\"b\":1}"}) {
    EXPECT_THAT(BiggestPaths(document, 5),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << document;
  }
}

}  // namespace
}  // namespace rehai::chef
