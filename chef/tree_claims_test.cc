// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/tree_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Subtree At(NodePath path) { return {std::move(path), "{}"}; }

const std::vector<Subtree>& Wanted() {
  static const auto* const wanted = new std::vector<Subtree>{
      At({"automatic", "libvirt"}), At({"automatic", "rehai", "guests"}),
      At({"normal", "fleet", "rehai", "guests"})};
  return *wanted;
}

// The trees to remove from a node with these two lists, dotted.
std::vector<std::string> Removed(const std::string& automatic_owns,
                                 const std::string& normal_owns,
                                 const std::vector<Subtree>& wanted) {
  const std::string document = absl::StrCat(
      R"({"automatic":{"rehai":{"owns":)", automatic_owns,
      R"(}},"normal":{"fleet":{"rehai":{"owns":)", normal_owns, "}}}}");
  const std::vector<NodePath> read = ClaimPaths(wanted);
  const auto node = ScannedNode::Scan(document, wanted, read);
  EXPECT_THAT(node, IsOk());
  std::vector<std::string> dotted;
  for (const NodePath& tree : TreesToRemove(*node, wanted)) {
    dotted.push_back(absl::StrJoin(tree, "."));
  }
  return dotted;
}

TEST(TreeClaimsTest, AStampListsWhatIsWrittenWithIt) {
  std::vector<std::string> claims;
  for (const Subtree& claim : Claims(Wanted())) {
    claims.push_back(
        absl::StrCat(absl::StrJoin(claim.path, "."), "=", *claim.json));
  }
  EXPECT_THAT(claims,
              ElementsAre("automatic.rehai.owns=[\"automatic.libvirt\","
                          "\"automatic.rehai\",\"normal.fleet.rehai\"]",
                          "normal.fleet.rehai.owns=[\"normal.fleet.rehai\"]"));
  EXPECT_THAT(Claims({}), IsEmpty());
}

TEST(TreeClaimsTest, WhatIsListedAndNotWantedIsToGo) {
  EXPECT_THAT(
      Removed(R"(["automatic.virtualization.kvm","automatic.libvirt",)"
              R"("automatic.rehai","normal.old.place.libvirt"])",
              R"(["normal.fleet.libvirt","normal.fleet.rehai"])", Wanted()),
      ElementsAre("automatic.virtualization.kvm", "normal.old.place.libvirt",
                  "normal.fleet.libvirt"));
}

TEST(TreeClaimsTest, WhenNothingIsWantedAllThatAutomaticListsIsToGo) {
  EXPECT_THAT(Removed(R"(["automatic.libvirt","automatic.rehai",)"
                      R"("normal.fleet.rehai"])",
                      "[]", {}),
              ElementsAre("automatic.libvirt", "automatic.rehai",
                          "normal.fleet.rehai"));
}

TEST(TreeClaimsTest, WhatIsListedTwiceGoesOnce) {
  EXPECT_THAT(Removed(R"(["normal.fleet.libvirt","normal.fleet.libvirt"])",
                      R"(["normal.fleet.libvirt"])", Wanted()),
              ElementsAre("normal.fleet.libvirt"));
}

// A node belongs to its host, which may write anything there.
TEST(TreeClaimsTest, OnlyPlacesAndNamesOfARenderingAreBelieved) {
  EXPECT_THAT(
      Removed(R"(["run_list","automatic","normal","normal.fleet","",".",)"
              R"("automatic.kernel","automatic.virtualization","normal.rehai",)"
              R"("automatic.a.libvirt","default.libvirt","default.a.libvirt",)"
              R"("rehai","libvirt","kvm","virtualization.kvm",7,null,)"
              R"(["automatic.libvirt"]])",
              "[]", {}),
      IsEmpty());
  for (const char* const no_list :
       {"null", "7", "{}", "\"automatic.libvirt\""}) {
    EXPECT_THAT(Removed(no_list, no_list, {}), IsEmpty()) << no_list;
  }
}

// Normal attributes stay when a chef-client save brings Ohai's own libvirt.
TEST(TreeClaimsTest, TheListInNormalSaysNothingAboutAutomatic) {
  EXPECT_THAT(Removed("[]", R"(["automatic.virtualization.kvm"])", Wanted()),
              IsEmpty());
}

TEST(TreeClaimsTest, WhatIsInTheWayOfWhatIsWantedIsLeft) {
  EXPECT_THAT(Removed(R"(["normal.rehai.rehai","normal.rehai.rehai.libvirt"])",
                      "[]", {At({"normal", "rehai", "rehai", "rehai", "x"})}),
              ElementsAre("normal.rehai.rehai.libvirt"));
}

}  // namespace
}  // namespace rehai::chef
