// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/node_weight.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

chef::Rendering SomeRendering() {
  v1::Record record;
  record.set_node("hv1");
  record.mutable_facts()->set_hostname("hv1");
  chef::RenderingOptions options;
  options.kvm_extensions = true;
  return chef::Render(record, options);
}

TEST(NodeWeightTest, TellsOursFromOthers) {
  const std::string ours(500, 'o');
  const std::string others(300, 'x');
  const std::string node = absl::StrCat(
      R"({"name":"hv1","automatic":{"rehai":{"digest":"a","guests":")", ours,
      R"("},"rehai_not":")", others, R"(","virtualization":{"system":")",
      others, R"(","kvm":{"guests":")", ours, R"("}}}})");
  const auto weight = WeighNode(node, SomeRendering());
  ASSERT_THAT(weight, IsOk());
  EXPECT_EQ(weight->node_bytes(), static_cast<int64_t>(node.size()));
  EXPECT_GE(weight->our_bytes(), 1000);
  EXPECT_LE(weight->our_bytes(), 1100);
  std::map<std::string, bool> is_ours;
  for (const v1::PathCost& path : weight->paths()) {
    is_ours[path.path()] = path.ours();
  }
  EXPECT_TRUE(is_ours.at("automatic.rehai"));
  EXPECT_TRUE(is_ours.at("automatic.rehai.guests"));
  EXPECT_TRUE(is_ours.at("automatic.virtualization.kvm"));
  EXPECT_FALSE(is_ours.at("automatic.rehai_not"));
  EXPECT_FALSE(is_ours.at("automatic.virtualization"));
  EXPECT_FALSE(is_ours.at("automatic"));
}

TEST(NodeWeightTest, ANodeWithNothingOfOursHasNoneOfOurBytes) {
  const auto weight = WeighNode(R"({"name":"hv1"})", SomeRendering());
  ASSERT_THAT(weight, IsOk());
  EXPECT_EQ(weight->our_bytes(), 0);
}

TEST(NodeWeightTest, WhatIsNoNodeIsInvalid) {
  EXPECT_THAT(WeighNode("<html>", SomeRendering()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace rehai
