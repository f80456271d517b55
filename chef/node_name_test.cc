// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_name.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/matchers.h"

namespace rehai::chef {
namespace {

TEST(NodeNameTest, TakesWhatChefTakes) {
  EXPECT_THAT(CheckNodeName("hv-1.example.com"), IsOk());
  EXPECT_THAT(CheckNodeName("A_b:9"), IsOk());
}

TEST(NodeNameTest, RefusesWhatWouldLeaveThePath) {
  for (const char* name : {"", "a/b", "..%2f", "a b", "h\xc3\xa9", "a?b"}) {
    EXPECT_THAT(CheckNodeName(name),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << name;
  }
}

TEST(NodeNameTest, ALongOneIsNotQuotedWhole) {
  EXPECT_LT(CheckNodeName(std::string(100'000, '/')).message().size(), 500u);
}

}  // namespace
}  // namespace rehai::chef
