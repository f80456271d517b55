// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fault/node_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace rehai::fault {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

json NodeWithRunningGuest() {
  return {{"name", "hv1"},
          {"automatic",
           {{"virtualization",
             {{"kvm",
               {{"guests",
                 {{"web", {{"state", "running"}, {"State", "running"}}}}}}}}},
            {"libvirt", {{"domains", {{"web", {{"state", 1}}}}}}},
            {"rehai",
             {{"guests",
               {{"uuid-1", {{"name", "web"}, {"state", "running"}}}}}}}}}};
}

lab::ShownGuest Guest(const std::string& name, lab::GuestState state) {
  return {.name = name, .uuid = "uuid-1", .state = state};
}

TEST(NodeCheckTest, ANodeThatShowsWhatIsThereIsRight) {
  const std::string node = NodeWithRunningGuest().dump();
  EXPECT_THAT(WrongIn(node, {Guest("web", lab::GuestState::kRunning)}),
              IsEmpty());
  EXPECT_EQ(GuestsShownIn(node), 1);
}

TEST(NodeCheckTest, EveryDifferenceIsNamed) {
  const std::string node = NodeWithRunningGuest().dump();
  EXPECT_THAT(WrongIn(node, {Guest("web", lab::GuestState::kPaused)}),
              ElementsAre(HasSubstr("web")));
  EXPECT_THAT(WrongIn(node, {Guest("web", lab::GuestState::kRunning),
                             Guest("db", lab::GuestState::kShutOff)}),
              ElementsAre(HasSubstr("db")));
  EXPECT_THAT(WrongIn(node, {}), ElementsAre(HasSubstr("not there")));
}

TEST(NodeCheckTest, AGuestTooManyInOneTreeOnlyIsSeen) {
  json node = NodeWithRunningGuest();
  node["automatic"]["libvirt"]["domains"]["ghost"] = {{"state", 1}};
  EXPECT_THAT(WrongIn(node.dump(), {Guest("web", lab::GuestState::kRunning)}),
              ElementsAre(HasSubstr("ghost")));
}

TEST(NodeCheckTest, ANodeThatWasSavedOverIsWrong) {
  const json node = {{"name", "hv1"}, {"automatic", json::object()}};
  EXPECT_THAT(WrongIn(node.dump(), {Guest("web", lab::GuestState::kRunning)}),
              ElementsAre(HasSubstr("web")));
  EXPECT_EQ(GuestsShownIn(node.dump()), -1);
  EXPECT_THAT(WrongIn("{", {}), ElementsAre(HasSubstr("no JSON")));
}

}  // namespace
}  // namespace rehai::fault
