// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rendering_trees.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "chef/canonical_json.h"

namespace rehai::chef {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::nlohmann::json;

// Fills in messages of any kind, every field that they have or will have: some
// are left out, some are extreme, and some texts are the same.
class Generator {
 public:
  explicit Generator(int seed) : random_(seed) {}

  void Fill(Message& message) {
    const auto& type = *message.GetDescriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const int values = field.is_repeated() ? Below(5) : Below(4) > 0;
      for (int n = 0; n < values; ++n) FillField(message, field);
    }
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % n); }

  std::string Text() {
    static constexpr const char* kTexts[] = {
        "",
        "web01",
        "web02",
        "Web03",
        "vnc",
        "-",
        "a b",
        "\"quoted\"",
        "back\\slash",
        "tab\there",
        "\x01",
        "\x7F",
        "gr\xC3\xBC\xC3\x9F",
        "\xF0\x9F\x90\xA7",
        "{",
        "[",
        "a long one, of more than eight bytes",
    };
    return kTexts[Below(std::size(kTexts))];
  }

  // Adds one to a repeated field.
  void FillField(Message& message, const FieldDescriptor& field) {
    const auto& reflection = *message.GetReflection();
    const auto number = Below(3) > 0 ? Below(100000) : random_();
    const auto set = [&](auto adder, auto setter, auto value) {
      (reflection.*(field.is_repeated() ? adder : setter))(&message, &field,
                                                           value);
    };
    using R = google::protobuf::Reflection;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return set(&R::AddString, &R::SetString, Text());
      case FieldDescriptor::CPPTYPE_BOOL:
        return set(&R::AddBool, &R::SetBool, number % 2 == 0);
      case FieldDescriptor::CPPTYPE_INT32:
        return set(&R::AddInt32, &R::SetInt32, static_cast<int32_t>(number));
      case FieldDescriptor::CPPTYPE_INT64:
        return set(&R::AddInt64, &R::SetInt64, static_cast<int64_t>(number));
      case FieldDescriptor::CPPTYPE_UINT64:
        return set(&R::AddUInt64, &R::SetUInt64, number);
      case FieldDescriptor::CPPTYPE_ENUM:
        return set(&R::AddEnumValue, &R::SetEnumValue,
                   Below(field.enum_type()->value_count()));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return Fill(*(field.is_repeated()
                          ? reflection.AddMessage(&message, &field)
                          : reflection.MutableMessage(&message, &field)));
      default:
        FAIL() << field.full_name() << ": of a type that is not generated";
    }
  }

  std::mt19937_64 random_;
};

// Keys in order, each once, and every value spelled the one way.
TEST(RenderingTreesTest, AreCanonicalWhateverTheRecordSays) {
  for (int seed = 0; seed < 2000; ++seed) {
    v1::Record record;
    Generator(seed).Fill(record);
    for (const bool volatile_values : {false, true}) {
      for (const std::string& tree :
           {KvmExtensionsTree(record, volatile_values),
            OhaiLibvirtTree(record, volatile_values),
            RehaiHostTree(record.facts()), RehaiGuestsTree(record)}) {
        const json parsed =
            json::parse(tree, nullptr, /*allow_exceptions=*/false);
        ASSERT_TRUE(parsed.is_object()) << tree;
        ASSERT_EQ(tree, CanonicalJson(parsed)) << "seed " << seed;
      }
    }
  }
}

TEST(RenderingTreesTest, TheLastOfGuestsWithOneNameIsTold) {
  v1::Record record;
  for (const int vcpus : {1, 2, 3}) {
    v1::Guest& guest = *record.add_guests();
    guest.set_name("web01");
    guest.set_uuid("u1");
    guest.set_vcpus(vcpus);
    if (vcpus < 3) guest.set_id(vcpus);
  }
  const json kvm = json::parse(KvmExtensionsTree(record, false));
  EXPECT_EQ(kvm["guests"]["web01"]["CPU(s)"], "3");
  EXPECT_EQ(kvm["guest_cpu_total"], 6);
  const json rehai = json::parse(RehaiGuestsTree(record));
  EXPECT_EQ(rehai["u1"]["vcpus"], 3);
  // The last of the active ones.
  const json libvirt = json::parse(OhaiLibvirtTree(record, false));
  EXPECT_EQ(libvirt["domains"]["web01"]["nr_virt_cpu"], 2);
}

TEST(RenderingTreesTest, TextThatIsNotUtf8IsSaidAsFarAsItCanBe) {
  v1::Record record;
  record.add_guests()->set_title("caf\xE9");
  EXPECT_EQ(json::parse(RehaiGuestsTree(record))[""]["title"],
            "caf\xEF\xBF\xBD");
}

}  // namespace
}  // namespace rehai::chef
