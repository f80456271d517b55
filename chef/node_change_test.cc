// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// NodeWriter's tests cover what a write does to a node; these cover trees that
// are switched off and moved, on a real node.

#include "chef/node_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "chef/node_document.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::HasSubstr;

v1::Record Host() {
  v1::Record record;
  record.set_node("hv1");
  record.mutable_facts()->set_hostname("hv1.example.com");
  v1::Guest& guest = *record.add_guests();
  guest.set_name("web01");
  guest.set_uuid("10000000-0000-4000-8000-000000000001");
  return record;
}

RenderingOptions Everything() {
  return {.kvm_extensions = true, .ohai_libvirt = true, .rehai = true};
}

NodeUpdate UpdateOf(const RenderingOptions& options) {
  NodeUpdate update;
  update.node = "hv1";
  update.rendering = Render(Host(), options);
  update.stamp.digest = update.rendering.digest;
  return update;
}

// What Ohai tells about a real machine, as hv1, without anything of ours.
std::string OhaiNode() {
  const Subtree subtrees[] = {{{"name"}, "\"hv1\""},
                              {{"automatic", "virtualization", "kvm"}, {}},
                              {{"automatic", "libvirt"}, {}},
                              {{"automatic", "rehai"}, {}}};
  return *Splice(*ReadFile("tests/data/ohai_node.json"), subtrees);
}

std::string With(const std::string& node, NodePath path, std::string json) {
  const Subtree subtree = {std::move(path), std::move(json)};
  return *Splice(node, {&subtree, 1});
}

std::optional<std::string> At(const std::string& node, const NodePath& path) {
  const auto value = FindValue(node, path);
  EXPECT_THAT(value, IsOk());
  if (!value->has_value()) return std::nullopt;
  return std::string(**value);
}

// The node after a write. It must be needed.
std::string Written(const std::string& before,
                    const RenderingOptions& options) {
  const auto change = PlanChange(before, UpdateOf(options));
  EXPECT_THAT(change, IsOk());
  EXPECT_TRUE(change->document.has_value());
  return change->document.value_or("");
}

bool Has(const std::string& node, const NodePath& path) {
  return At(node, path).has_value();
}

TEST(NodeChangeTest, ATreeThatIsSwitchedOffGoesAndLeavesNoTrace) {
  const std::string ohai = OhaiNode();
  std::string node = Written(ohai, Everything());
  RenderingOptions options = Everything();
  options.kvm_extensions = false;
  node = Written(node, options);
  EXPECT_FALSE(Has(node, {"automatic", "virtualization", "kvm"}));
  EXPECT_TRUE(Has(node, {"automatic", "virtualization", "system"}));
  EXPECT_TRUE(Has(node, {"automatic", "libvirt"}));

  options.ohai_libvirt = false;
  node = Written(node, options);
  EXPECT_FALSE(Has(node, {"automatic", "libvirt"}));
  options.rehai = false;
  node = Written(node, options);
  EXPECT_EQ(node, ohai);

  const auto nothing_left = PlanChange(node, UpdateOf(options));
  ASSERT_THAT(nothing_left, IsOk());
  EXPECT_FALSE(nothing_left->document.has_value());
}

TEST(NodeChangeTest, WhatOhaiWroteUnderTheSameNameStays) {
  const std::string ohai =
      With(OhaiNode(), {"automatic", "libvirt"}, R"({"uri":"theirs"})");
  RenderingOptions options;  // libvirt is off, and never was ours
  EXPECT_THAT(Written(ohai, options), HasSubstr(R"({"uri":"theirs"})"));
}

TEST(NodeChangeTest, AfterAChefClientSaveNothingIsClaimedAnyMore) {
  RenderingOptions options = Everything();
  options.places.normal_prefix = {"fleet"};
  std::string node = Written(OhaiNode(), options);
  // The save replaces automatic, with Ohai's own libvirt in it, and keeps
  // normal, where our list still stands.
  node = With(node, {"automatic"}, *At(OhaiNode(), {"automatic"}));
  node = With(node, {"automatic", "libvirt"}, R"({"uri":"theirs"})");
  options.ohai_libvirt = false;
  node = Written(node, options);
  EXPECT_THAT(node, HasSubstr(R"({"uri":"theirs"})"));
  EXPECT_FALSE(Has(node, {"normal", "fleet", "libvirt"}));
}

TEST(NodeChangeTest, TreesBelowAPrefixCalledAsATreeComeAndGo) {
  RenderingOptions options = Everything();
  options.places.automatic = false;
  options.places.normal_prefix = {"site", "rehai"};
  std::string node = Written(OhaiNode(), options);
  EXPECT_TRUE(Has(node, {"normal", "site", "rehai", "libvirt"}));
  EXPECT_FALSE(Has(node, {"normal", "site", "rehai", "digest"}));
  options.ohai_libvirt = false;
  node = Written(node, options);
  EXPECT_FALSE(Has(node, {"normal", "site", "rehai", "libvirt"}));
  EXPECT_TRUE(Has(node, {"normal", "site", "rehai", "rehai", "guests"}));
  EXPECT_TRUE(Has(node, {"normal", "site", "rehai", "virtualization", "kvm"}));
  const auto again = PlanChange(node, UpdateOf(options));
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->document.has_value());
}

TEST(NodeChangeTest, TreesMoveWithTheirPlace) {
  const std::string ohai = OhaiNode();
  RenderingOptions automatic = Everything();
  RenderingOptions both = Everything();
  both.places.normal_prefix = {"fleet", "hosts"};
  RenderingOptions moved = both;
  moved.places.normal_prefix = {"other"};
  RenderingOptions normal = moved;
  normal.places.automatic = false;

  std::string node = Written(ohai, both);
  EXPECT_TRUE(Has(node, {"automatic", "rehai"}));
  EXPECT_TRUE(Has(node, {"normal", "fleet", "hosts", "virtualization", "kvm"}));

  node = Written(node, moved);
  EXPECT_FALSE(Has(node, {"normal", "fleet", "hosts", "rehai"}));
  EXPECT_TRUE(Has(node, {"normal", "other", "rehai"}));

  node = Written(node, normal);
  EXPECT_FALSE(Has(node, {"automatic", "rehai"}));
  EXPECT_FALSE(Has(node, {"automatic", "virtualization", "kvm"}));
  EXPECT_TRUE(Has(node, {"normal", "other", "libvirt"}));
  EXPECT_EQ(At(node, {"automatic"}), At(ohai, {"automatic"}));
}

TEST(NodeChangeTest, MarksAreThoseOfTheNormalStampWhereThereIsNoOther) {
  RenderingOptions options;
  options.places.automatic = false;
  options.places.normal_prefix = {"fleet"};
  NodeUpdate update = UpdateOf(options);
  update.stamp.revision = 7;
  const auto change = PlanChange(OhaiNode(), update);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->found.digest, "");
  const auto confirmed = ConfirmedMarks(*change->document, update, *change);
  ASSERT_THAT(confirmed, IsOk());
  ASSERT_TRUE(confirmed->has_value());
  EXPECT_EQ((*confirmed)->digest, update.stamp.digest);
  EXPECT_EQ((*confirmed)->revision, 7);
}

TEST(NodeChangeTest, TheSameBytesConfirmWhatAReadingOfThemConfirms) {
  NodeUpdate update = UpdateOf(Everything());
  update.stamp.revision = 7;
  const auto change = PlanChange(OhaiNode(), update);
  ASSERT_THAT(change, IsOk());
  const auto same = ConfirmedMarks(*change->document, update, *change);
  const auto read = ConfirmedMarks(*change->document + "\n", update, *change);
  ASSERT_THAT(same, IsOk());
  ASSERT_THAT(read, IsOk());
  ASSERT_TRUE(same->has_value());
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*same)->digest, update.stamp.digest);
  EXPECT_EQ((*same)->revision, 7);
  EXPECT_EQ((*same)->ohai_time, change->found.ohai_time);
  EXPECT_EQ((*same)->digest, (*read)->digest);
  EXPECT_EQ((*same)->revision, (*read)->revision);
  EXPECT_EQ((*same)->ohai_time, (*read)->ohai_time);
}

TEST(NodeChangeTest, AnAnswerWithAnotherValueOfOursConfirmsNothing) {
  const NodeUpdate update = UpdateOf(Everything());
  const auto change = PlanChange(OhaiNode(), update);
  ASSERT_THAT(change, IsOk());
  const auto confirmed = ConfirmedMarks(
      With(*change->document, {"automatic", "rehai", "guests"}, "{}"), update,
      *change);
  ASSERT_THAT(confirmed, IsOk());
  EXPECT_FALSE(confirmed->has_value());
}

TEST(NodeChangeTest, ASaveThatIsPutBackKeepsNoTreeThatIsSwitchedOff) {
  RenderingOptions normal = Everything();
  normal.places.normal_prefix = {"fleet"};
  // The run had read the node while the normal attributes held our libvirt.
  const auto saved = std::make_shared<const std::string>(With(
      Written(OhaiNode(), normal), {"automatic", "ohai_time"}, "1999999999.5"));
  normal.ohai_libvirt = false;
  NodeUpdate update = UpdateOf(normal);
  update.saved = saved;
  const auto change = PlanChange(OhaiNode(), update);
  ASSERT_THAT(change, IsOk());
  EXPECT_TRUE(change->restored);
  EXPECT_THAT(*change->document, HasSubstr("1999999999.5"));
  EXPECT_FALSE(Has(*change->document, {"normal", "fleet", "libvirt"}));
  EXPECT_TRUE(Has(*change->document, {"normal", "fleet", "rehai"}));
}

// ---- what Ohai found ----

std::vector<Subtree> Ohais(std::string virtualization) {
  return {{{"automatic", "os"}, "\"linux\""},
          {{"automatic", "virtualization"}, std::move(virtualization)}};
}

constexpr char kVirtualization[] =
    R"({ "system":"kvm", "kvm": {"guests":{"old":1}}, "role" : "host"})";

TEST(NodeChangeTest, WhatOhaiFoundGoesInWithOursInItsMidst) {
  NodeUpdate update = UpdateOf(Everything());
  update.ohai = Ohais(kVirtualization);
  update.ohai.push_back({{"automatic", "libvirt"}, R"({"uri":"ohais"})"});
  const std::string before = OhaiNode();
  const auto change = PlanChange(before, update);
  ASSERT_THAT(change, IsOk());
  ASSERT_TRUE(change->document.has_value());
  const std::string node = *change->document;
  EXPECT_EQ(At(node, {"automatic", "os"}), "\"linux\"");
  EXPECT_EQ(At(node, {"automatic", "virtualization", "role"}), "\"host\"");
  for (const Subtree& ours : update.rendering.subtrees) {
    EXPECT_EQ(At(node, ours.path), ours.json);
  }
  EXPECT_EQ(change->marks.digest, update.rendering.digest);
  for (const char* const level : {"normal", "default", "override"}) {
    EXPECT_EQ(At(node, {level}), At(before, {level}));
  }
  EXPECT_EQ(At(node, {"run_list"}), At(before, {"run_list"}));
  // What the server made of it confirms all of it, and only then.
  EXPECT_THAT(ConfirmedMarks(node, update, *change), IsOk());
  EXPECT_TRUE(ConfirmedMarks(With(node, {"automatic", "of_others"}, "1"),
                             update, *change)
                  ->has_value());
  EXPECT_FALSE(ConfirmedMarks(With(node, {"automatic", "os"}, "\"beos\""),
                              update, *change)
                   ->has_value());
}

TEST(NodeChangeTest, WhatOhaiFoundIsWrittenOnceAndNotClaimed) {
  NodeUpdate update = UpdateOf(Everything());
  const std::string without = *PlanChange(OhaiNode(), update)->document;
  update.ohai = Ohais(kVirtualization);
  // Ours is up to date, and Ohai's is not there.
  const auto change = PlanChange(without, update);
  ASSERT_THAT(change, IsOk());
  ASSERT_TRUE(change->document.has_value());
  EXPECT_EQ(At(*change->document, {"automatic", "rehai", "owns"}),
            At(without, {"automatic", "rehai", "owns"}));
  const auto again = PlanChange(*change->document, update);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->document.has_value());
  // The next update has none, and what was written stays.
  update.ohai.clear();
  const auto next = PlanChange(*change->document, update);
  ASSERT_THAT(next, IsOk());
  EXPECT_FALSE(next->document.has_value());
  EXPECT_EQ(At(*change->document, {"automatic", "virtualization", "system"}),
            "\"kvm\"");
}

TEST(NodeChangeTest, ATreeSwitchedOffGoesFromOhaisAsWell) {
  const std::string node = Written(OhaiNode(), Everything());
  RenderingOptions options = Everything();
  options.kvm_extensions = options.ohai_libvirt = false;
  NodeUpdate update = UpdateOf(options);
  update.ohai = Ohais(R"({"system":"kvm"})");
  const auto change = PlanChange(node, update);
  ASSERT_THAT(change, IsOk());
  ASSERT_TRUE(change->document.has_value());
  EXPECT_EQ(At(*change->document, {"automatic", "virtualization"}),
            R"({"system":"kvm"})");
  EXPECT_FALSE(Has(*change->document, {"automatic", "libvirt"}));
}

TEST(NodeChangeTest, OhaisAloneLeavesWhatAnotherHandKeepsAsOurs) {
  const std::string before = Written(OhaiNode(), Everything());
  NodeUpdate update;
  update.node = "hv1";
  update.ohai = Ohais(kVirtualization);
  update.ohai.push_back({{"automatic", "libvirt"}, R"({"uri":"ohais"})"});
  const auto change = PlanChange(before, update);
  ASSERT_THAT(change, IsOk());
  ASSERT_TRUE(change->document.has_value());
  const std::string node = *change->document;
  EXPECT_EQ(At(node, {"automatic", "os"}), "\"linux\"");
  EXPECT_EQ(At(node, {"automatic", "virtualization", "role"}), "\"host\"");
  for (const NodePath& ours :
       {NodePath{"automatic", "virtualization", "kvm"},
        NodePath{"automatic", "libvirt"}, NodePath{"automatic", "rehai"}}) {
    EXPECT_EQ(At(node, ours), At(before, ours));
  }
  EXPECT_EQ(change->marks.digest, change->found.digest);
  EXPECT_FALSE(change->marks.digest.empty());
  EXPECT_FALSE(PlanChange(node, update)->document.has_value());

  // Without anybody's claim it is Ohai's.
  const auto unclaimed = PlanChange(OhaiNode(), update);
  ASSERT_THAT(unclaimed, IsOk());
  EXPECT_EQ(At(*unclaimed->document, {"automatic", "virtualization"}),
            kVirtualization);
  EXPECT_EQ(At(*unclaimed->document, {"automatic", "libvirt"}),
            R"({"uri":"ohais"})");
}

TEST(NodeChangeTest, WhatOhaiFoundDoesNotReplaceWhatALaterRunDid) {
  const std::string node =
      With(OhaiNode(), {"automatic", "ohai_time"}, "1795527760.5");
  NodeUpdate update = UpdateOf(Everything());
  update.ohai = Ohais(kVirtualization);
  update.ohai_time = "1795527760.4";
  const auto outdated = PlanChange(node, update);
  ASSERT_THAT(outdated, IsOk());
  EXPECT_TRUE(outdated->ohai_outdated);
  NodeUpdate ours = update;
  ours.ohai.clear();
  EXPECT_EQ(outdated->document, PlanChange(node, ours)->document);
  EXPECT_TRUE(
      ConfirmedMarks(*outdated->document, update, *outdated)->has_value());

  // Not later is not too late.
  update.ohai_time = "1795527760.50";
  const auto change = PlanChange(node, update);
  ASSERT_THAT(change, IsOk());
  EXPECT_FALSE(change->ohai_outdated);
  EXPECT_EQ(At(*change->document, {"automatic", "os"}), "\"linux\"");
}

TEST(NodeChangeTest, WhatOhaiFoundDoesNotReplaceWhatARestoredSaveDid) {
  NodeUpdate update = UpdateOf(Everything());
  update.ohai = Ohais("{}");
  update.ohai_time = "1999999999.4";
  update.saved = std::make_shared<const std::string>(
      With(OhaiNode(), {"automatic", "ohai_time"}, "1999999999.5"));
  const auto change = PlanChange(OhaiNode(), update);
  ASSERT_THAT(change, IsOk());
  EXPECT_TRUE(change->restored);
  EXPECT_TRUE(change->ohai_outdated);
  EXPECT_EQ(At(*change->document, {"automatic", "os"}),
            At(OhaiNode(), {"automatic", "os"}));
}

TEST(NodeChangeTest, OhaisAloneThatIsOutdatedChangesNothing) {
  const std::string node = With(Written(OhaiNode(), Everything()),
                                {"automatic", "ohai_time"}, "1999999999.5");
  NodeUpdate update;
  update.node = "hv1";
  update.ohai = Ohais(kVirtualization);
  update.ohai_time = "1999999999.4";
  const auto change = PlanChange(node, update);
  ASSERT_THAT(change, IsOk());
  EXPECT_TRUE(change->ohai_outdated);
  EXPECT_FALSE(change->document.has_value());
}

TEST(NodeChangeTest, OhaisTimeIsAmongTheMarks) {
  NodeUpdate update = UpdateOf(Everything());
  update.ohai = {{{"automatic", "ohai_time"}, "1795527760.5"}};
  const auto change = PlanChange(OhaiNode(), update);
  ASSERT_THAT(change, IsOk());
  EXPECT_EQ(change->marks.ohai_time, "1795527760.5");
}

TEST(NodeChangeTest, OhaisValueThatOursCannotGoIntoIsNotWritten) {
  NodeUpdate update = UpdateOf(Everything());
  update.ohai = Ohais("\"kvm\"");
  EXPECT_THAT(PlanChange(OhaiNode(), update),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("automatic.virtualization")));
}

}  // namespace
}  // namespace rehai::chef
