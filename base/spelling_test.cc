// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/spelling.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

const std::vector<std::string> kWords = {"hosts", "guests", "guest", "resync",
                                         "client_key_file"};

TEST(SpellingTest, FindsTheNearestWord) {
  EXPECT_EQ(ClosestWord("hsots", kWords), "hosts");
  EXPECT_EQ(ClosestWord("geust", kWords), "guest");
  EXPECT_EQ(ClosestWord("client_keyfile", kWords), "client_key_file");
  EXPECT_EQ(ClosestWord("client_key", kWords), "client_key_file");
  EXPECT_EQ(ClosestWord("resynchronise", kWords), "resync");
}

TEST(SpellingTest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(ClosestWord("frobnicate", kWords), "");
  EXPECT_EQ(ClosestWord("x", {}), "");
}

}  // namespace
}  // namespace rehai
