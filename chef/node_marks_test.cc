// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_marks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace rehai::chef {
namespace {

TEST(CompareOhaiTimesTest, OrdersByEveryDigit) {
  const std::vector<std::string> ascending = {
      "0",
      "999999999.9",
      "1795527759",
      "1795527759.244063",
      "1795527759.2440630000000000001",
      "1795527759.2440631",
      "1795527759.25",
      "1795527760",
      "10000000000.5",
  };
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(CompareOhaiTimes(ascending[i], ascending[j]),
                i == j ? 0 : (i < j ? -1 : 1))
          << ascending[i] << " and " << ascending[j];
    }
  }
}

TEST(CompareOhaiTimesTest, SpellingDoesNotCount) {
  EXPECT_EQ(CompareOhaiTimes("1795527759.5", "1795527759.500"), 0);
  EXPECT_EQ(CompareOhaiTimes("7", "7.000"), 0);
  EXPECT_EQ(CompareOhaiTimes("007.5", "7.5"), 0);
  EXPECT_EQ(CompareOhaiTimes("0.5", "0.50"), 0);
}

TEST(CompareOhaiTimesTest, WhatIsNoNumberIsEarlierThanAnyNumber) {
  for (const char* const text : {"", "null", "-1", "1e9", ".5", "1.2.3", "x"}) {
    EXPECT_EQ(CompareOhaiTimes(text, "0"), -1) << text;
    EXPECT_EQ(CompareOhaiTimes("0", text), 1) << text;
    EXPECT_EQ(CompareOhaiTimes(text, ""), 0) << text;
  }
}

NodeMarks Marks(const std::string& ohai_time, const std::string& digest) {
  return {.ohai_time = ohai_time, .digest = digest, .revision = 1};
}

TEST(WhoOverwroteTest, NobodyIfTheDigestStands) {
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("10.5", "d")),
            v1::OVERWRITER_UNSPECIFIED);
  // A chef-client run whose host keeps our attributes, or a restored save.
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("11", "d")),
            v1::OVERWRITER_UNSPECIFIED);
}

TEST(WhoOverwroteTest, NobodyIfNothingWasConfirmed) {
  EXPECT_EQ(WhoOverwrote(Marks("10.5", ""), Marks("9", "d")),
            v1::OVERWRITER_UNSPECIFIED);
  EXPECT_EQ(WhoOverwrote({}, {}), v1::OVERWRITER_UNSPECIFIED);
}

TEST(WhoOverwroteTest, ALaterOhaiTimeIsChefClient) {
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("10.6", "")),
            v1::OVERWRITER_CHEF_CLIENT);
  EXPECT_EQ(WhoOverwrote(Marks("", "d"), Marks("10.6", "")),
            v1::OVERWRITER_CHEF_CLIENT);
}

TEST(WhoOverwroteTest, TheSameOhaiTimeIsSomebody) {
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("10.50", "")),
            v1::OVERWRITER_SOMEBODY);
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("10.5", "e")),
            v1::OVERWRITER_SOMEBODY);
}

TEST(WhoOverwroteTest, AnEarlierOhaiTimeIsARollbackWhateverTheDigest) {
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("10.4", "d")),
            v1::OVERWRITER_ROLLBACK);
  EXPECT_EQ(WhoOverwrote(Marks("10.5", "d"), Marks("", "")),
            v1::OVERWRITER_ROLLBACK);
}

}  // namespace
}  // namespace rehai::chef
