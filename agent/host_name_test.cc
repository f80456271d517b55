// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/matchers.h"

namespace rehai::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Name(HostNames names) { return NodeNameOf(names).value_or("none"); }

TEST(HostNameTest, AFullNameGoesBeforeAShortOne) {
  EXPECT_EQ(Name({.hostname = "hv1",
                  .canonical = "hv1.example.com",
                  .reverse = "other.example.com"}),
            "hv1.example.com");
  EXPECT_EQ(Name({.hostname = "hv1",
                  .canonical = "hv1",
                  .reverse = "hv1.example.com"}),
            "hv1.example.com");
}

TEST(HostNameTest, AShortNameIsBetterThanNone) {
  EXPECT_EQ(
      Name({.hostname = "hv1", .canonical = "hv1", .reverse = "localhost"}),
      "hv1");
  EXPECT_EQ(Name({.hostname = "hv1", .canonical = "", .reverse = ""}), "hv1");
}

TEST(HostNameTest, WithoutAnyItSaysWhatToSet) {
  EXPECT_THAT(NodeNameOf({}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("--node_name")));
}

TEST(HostNameTest, ThisMachineHasAName) {
  EXPECT_THAT(LookUpHostNames().hostname, Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace rehai::agent
