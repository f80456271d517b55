// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_name.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace rehai::chef
