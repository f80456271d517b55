// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rendering_facts.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chef/rendering.h"
#include "rehai/v1/model.pb.h"

namespace rehai::chef {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::nlohmann::json;
using ::testing::IsEmpty;

const RenderingOptions kEverything = {.kvm_extensions = true,
                                      .ohai_libvirt = true,
                                      .rehai = true,
                                      .volatile_values = true};

// Something in every field, whatever fields there will be: one element of
// repeated messages, true, and a number that is an active pool's state, too.
void FillAll(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->is_map()) continue;
    const bool many = field->is_repeated();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        FillAll(many ? *reflection.AddMessage(&message, field)
                     : *reflection.MutableMessage(&message, field));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        many ? reflection.AddString(&message, field, field->name())
             : reflection.SetString(&message, field, field->name());
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, field, true);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(&message, field, 2);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, field, 2);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(&message, field, 2'000'000'000);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(&message, field, 1);
        break;
      default:
        FAIL() << "a field of a type without a sample: " << field->full_name();
    }
  }
}

v1::Record FullRecord() {
  v1::Record record;
  FillAll(record);
  record.mutable_guests(0)->mutable_graphics(0)->set_type("vnc");
  return record;
}

void AddLeaves(const json& value, const NodePath& path,
               std::vector<NodePath>& leaves) {
  if (!value.is_object()) {
    leaves.push_back(path);
    return;
  }
  for (const auto& [key, below] : value.items()) {
    NodePath next = path;
    next.push_back(key);
    AddLeaves(below, next, leaves);
  }
}

// Every leaf that a write of a record with something in every field brings.
std::vector<NodePath> Leaves(const RenderingOptions& options) {
  Stamp stamp = {.digest = "d",
                 .revision = 1,
                 .observed_at = absl::UnixEpoch(),
                 .written_at = absl::UnixEpoch(),
                 .source = "pull test:///default"};
  std::vector<NodePath> leaves;
  for (const Subtree& subtree : Stamped(Render(FullRecord(), options), stamp)) {
    AddLeaves(json::parse(*subtree.json), subtree.path, leaves);
  }
  return leaves;
}

TEST(RenderingFactsTest, EveryLeafThatIsWrittenHasARow) {
  const std::vector<NodePath> leaves = Leaves(kEverything);
  EXPECT_GT(leaves.size(), 60u);
  for (const NodePath& leaf : leaves) {
    const auto meaning = MeaningOf(leaf, kEverything);
    ASSERT_TRUE(meaning.has_value()) << absl::StrJoin(leaf, ".");
    EXPECT_TRUE(meaning->is_known) << absl::StrJoin(leaf, ".");
    EXPECT_TRUE(meaning->is_on) << absl::StrJoin(leaf, ".");
  }
}

TEST(RenderingFactsTest, EveryRowIsOfSomethingThatIsWritten) {
  std::set<std::string> unused;
  for (const std::string& row : FactRows()) unused.insert(row);
  for (const NodePath& leaf : Leaves(kEverything)) {
    for (size_t length = 2; length <= leaf.size(); ++length) {
      const NodePath path(leaf.begin(),
                          leaf.begin() + static_cast<ptrdiff_t>(length));
      const auto meaning = MeaningOf(path, kEverything);
      if (!meaning.has_value()) continue;
      const size_t top = meaning->rendering == "kvm_extensions" ? 3 : 2;
      unused.erase(FactRowOf(
          meaning->rendering,
          NodePath(path.begin() + static_cast<ptrdiff_t>(top), path.end())));
    }
  }
  EXPECT_THAT(unused, IsEmpty());
}

// The fields that the rows name are ones of the record.
TEST(RenderingFactsTest, EveryFieldIsOne) {
  for (const NodePath& leaf : Leaves(kEverything)) {
    std::string field = MeaningOf(leaf, kEverything)->field;
    const google::protobuf::Descriptor* message = v1::Record::descriptor();
    while (!field.empty()) {
      const size_t end = field.find_first_of(".[");
      const FieldDescriptor* one =
          message->FindFieldByName(field.substr(0, end));
      ASSERT_NE(one, nullptr) << field << " in " << message->full_name();
      message = one->message_type();
      if (end == std::string::npos) break;
      const size_t dot = field[end] == '[' ? field.find("]", end) + 1 : end;
      field = dot < field.size() ? field.substr(dot + 1) : "";
    }
  }
}

TEST(RenderingFactsTest, APathNamesItsFieldAndGuest) {
  const auto state = MeaningOf(
      {"automatic", "virtualization", "kvm", "guests", "web.01", "State"},
      kEverything);
  EXPECT_EQ(state->field, "guests[web.01].state");
  EXPECT_EQ(state->guest, "web.01");
  EXPECT_EQ(state->rendering, "kvm_extensions");
  const auto volume = MeaningOf(
      {"automatic", "libvirt", "storage", "pool", "volumes", "v", "path"},
      kEverything);
  EXPECT_EQ(volume->field, "facts.storage_pools[pool].volumes[v].path");
  EXPECT_EQ(volume->guest, "");
  // The host's field, shown with a guest.
  const auto security = MeaningOf({"automatic", "virtualization", "kvm",
                                   "guests", "web01", "Security model"},
                                  kEverything);
  EXPECT_EQ(security->field, "facts.security_model");
  EXPECT_EQ(security->guest, "web01");
}

TEST(RenderingFactsTest, WhatIsSwitchedOffIsStillKnown) {
  const NodePath kvm = {"automatic", "virtualization", "kvm", "guests"};
  EXPECT_FALSE(MeaningOf(kvm, {})->is_on);
  EXPECT_TRUE(MeaningOf({"automatic", "rehai", "guests"}, {})->is_on);
  RenderingOptions steady = kEverything;
  steady.volatile_values = false;
  EXPECT_FALSE(
      MeaningOf({"automatic", "libvirt", "domains", "web01", "cpu_time"},
                steady)
          ->is_on);
  RenderingOptions elsewhere = kEverything;
  elsewhere.places = {.automatic = false, .normal_prefix = {"inventory"}};
  EXPECT_FALSE(MeaningOf({"automatic", "rehai", "guests"}, elsewhere)->is_on);
  EXPECT_TRUE(
      MeaningOf({"normal", "inventory", "rehai", "guests"}, elsewhere)->is_on);
}

TEST(RenderingFactsTest, WhatIsOthersHasNoMeaning) {
  EXPECT_FALSE(MeaningOf({"automatic", "kernel"}, kEverything).has_value());
  EXPECT_FALSE(MeaningOf({"normal", "rehai"}, kEverything).has_value());
  EXPECT_FALSE(MeaningOf({}, kEverything).has_value());
  EXPECT_FALSE(
      MeaningOf({"automatic", "rehai", "guests", "u", "bogus"}, kEverything)
          ->is_known);
}

}  // namespace
}  // namespace rehai::chef
