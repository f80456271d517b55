// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rehai::sim {
namespace {

TEST(JsonTextTest, FindsAValueAsItIsSpelled) {
  const char* const json =
      R"({ "a" : {"b\"}":1, "c": [1, {"d":2.50}] } , "e":-0})";
  EXPECT_EQ(Find(json, {"e"}), "-0");
  EXPECT_EQ(Find(json, {"a", "c"}), R"([1, {"d":2.50}])");
  EXPECT_EQ(Find(json, {"a", "x"}), std::nullopt);
}

TEST(JsonTextTest, EditsOneMember) {
  EXPECT_EQ(With(R"({"a":1,"b":2})", "a", "3"), R"({"a":3,"b":2})");
  EXPECT_EQ(With("{}", "a", "3"), R"({"a":3})");
  EXPECT_EQ(Without(R"({"a":1, "b":2})", "a"), R"({"b":2})");
}

// The judge of promise 2.
TEST(JsonTextTest, WhatIsForeignIsEverythingElseAsItIsSpelled) {
  const char* const node =
      R"({"name":"hv1","automatic":{"x":1.50,"x":2,"rehai":{"a":1},)"
      R"("libvirt":{},"virtualization":{"kvm":{}, "role":"host"}},"n":1e2})";
  EXPECT_EQ(ForeignPart(node),
            R"({"name":"hv1","automatic":{"x":1.50,"x":2,)"
            R"("virtualization":{"role":"host"},},"n":1e2,})");
  for (const auto& [from, to] :
       {std::pair<const char*, const char*>{"1.50", "1.5"},
        {"1e2", "100"},
        {R"("x":2,)", ""}}) {
    std::string changed = node;
    changed.replace(changed.find(from), std::string(from).size(), to);
    EXPECT_NE(ForeignPart(changed), ForeignPart(node)) << from;
  }
  std::string ours = node;
  ours.replace(ours.find(R"({"a":1})"), 7, R"({"a":[2]})");
  EXPECT_EQ(ForeignPart(ours), ForeignPart(node));
}

}  // namespace
}  // namespace rehai::sim
