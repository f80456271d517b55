// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::query {
namespace {

using ::testing::HasSubstr;

TEST(FieldsTest, AGuestHasFieldsOfItsHost) {
  const auto rack = FindField(Kind::kGuests, {"host", "labels", "a", "b"});
  ASSERT_TRUE(rack.has_value());
  EXPECT_TRUE(rack->of_host);
  EXPECT_EQ(rack->key, "a.b");

  // One name, two fields.
  EXPECT_FALSE(FindField(Kind::kGuests, {"memory"})->of_host);
  EXPECT_TRUE(FindField(Kind::kGuests, {"host", "memory"})->of_host);
  EXPECT_TRUE(FindField(Kind::kGuests, {"age"})->of_host);
  EXPECT_FALSE(FindField(Kind::kGuests, {"cpus"}).has_value());
  EXPECT_FALSE(FindField(Kind::kHosts, {"state"}).has_value());
  EXPECT_FALSE(FindField(Kind::kHosts, {"host", "cpus"}).has_value());
  EXPECT_FALSE(FindField(Kind::kHosts, {}).has_value());
}

TEST(FieldsTest, AnUnknownFieldIsAnsweredWithTheNearest) {
  EXPECT_EQ(UnknownField(Kind::kGuests, "nmae"),
            "unknown field nmae; did you mean name?");
  EXPECT_EQ(UnknownField(Kind::kGuests, "host.presense"),
            "unknown field host.presense; did you mean host.presence?");
  EXPECT_EQ(UnknownField(Kind::kHosts, "presense"),
            "unknown field presense; did you mean presence?");
  EXPECT_THAT(UnknownField(Kind::kHosts, std::string(9000, 'x')),
              HasSubstr("xxx..."));
}

TEST(FieldsTest, VersionsAreComparedByTheirNumbers) {
  EXPECT_LT(CompareVersions("7.2", "7.10"), 0);
  EXPECT_GT(CompareVersions("7.2.1", "7.2"), 0);
  EXPECT_EQ(CompareVersions("7.02", "7.2"), 0);
  EXPECT_LT(CompareVersions("7.2-rc1", "7.2-rc2"), 0);
  EXPECT_LT(CompareVersions("", "0"), 0);
  EXPECT_LT(CompareVersions("99999999999999999999", "100000000000000000000"),
            0);
  EXPECT_EQ(CompareVersions("7.0", "7.0"), 0);
}

TEST(FieldsTest, ThePageHasEveryField) {
  const auto page = ReadFile("docs/query.md");
  ASSERT_THAT(page, IsOk());
  for (const auto& fields : {GuestFields(), HostFields()}) {
    for (const Field& field : fields) {
      EXPECT_THAT(*page, HasSubstr(absl::StrCat("| `", field.name, "` |")));
      EXPECT_THAT(*page, HasSubstr(std::string(field.meaning)));
    }
  }
}

}  // namespace
}  // namespace rehai::query
