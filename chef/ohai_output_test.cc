// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/ohai_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "chef/node_document.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const NodePath kKvm = {"automatic", "virtualization", "kvm"};

std::vector<std::string> KeysOf(const OhaiOutput& output) {
  std::vector<std::string> keys;
  for (const Subtree& subtree : output.subtrees) {
    EXPECT_EQ(subtree.path.size(), 2);
    EXPECT_EQ(subtree.path[0], "automatic");
    keys.push_back(subtree.path[1]);
  }
  return keys;
}

OhaiOutput Parsed(absl::string_view json) {
  auto output = ParseOhaiOutput(json, /*whole=*/true, /*with_ohai_time=*/true);
  EXPECT_THAT(output, IsOk());
  return output.ok() ? *std::move(output) : OhaiOutput();
}

Subtree Ours(NodePath path, std::string json) {
  return {std::move(path), std::move(json)};
}

// "PATH=JSON" of each.
std::vector<std::string> InWords(const std::vector<Subtree>& subtrees) {
  std::vector<std::string> words;
  for (const Subtree& subtree : subtrees) {
    words.push_back(absl::StrCat(absl::StrJoin(subtree.path, "."), "=",
                                 subtree.json.value_or("(removed)")));
  }
  return words;
}

TEST(OhaiOutputTest, EachTopLevelKeyIsASubtreeWithOhaisOwnBytes) {
  const OhaiOutput output = Parsed(
      "{\n  \"os\": \"linux\",\n  \"cpu\" :\t{ \"b\": 1.50,\n \"a\": [] } ,\n"
      "  \"k\\\"\\u00e9y\": -0.0E+1\n}\n");
  EXPECT_THAT(InWords(output.subtrees),
              ElementsAre("automatic.cpu={ \"b\": 1.50,\n \"a\": [] }",
                          "automatic.k\"éy=-0.0E+1", "automatic.os=\"linux\""));
}

TEST(OhaiOutputTest, WhatIsNotOhaisToSayIsLeftOut) {
  const OhaiOutput output = Parsed(
      R"({"recipes":["a"],"expanded_run_list":[],"roles":[],"cookbooks":{},)"
      R"("chef_environment":"e","policy_name":"p","policy_group":"g",)"
      R"("policy_revision":"r","chef_guid":"u","rehai":{"digest":"old"},)"
      R"("chef_packages":{"ohai":{}},"platform":"debian","ohai_time":1.5})");
  EXPECT_THAT(KeysOf(output),
              ElementsAre("chef_packages", "ohai_time", "platform"));
}

TEST(OhaiOutputTest, OhaiTimeIsOnlyThatOfAWholeRunAndOnlyIfWanted) {
  const absl::string_view json = R"({"ohai_time":1764149341.25,"os":"linux"})";
  for (const bool whole : {false, true}) {
    for (const bool wanted : {false, true}) {
      const auto output = ParseOhaiOutput(json, whole, wanted);
      ASSERT_THAT(output, IsOk());
      EXPECT_EQ(output->subtrees.size(), whole && wanted ? 2 : 1);
    }
  }
}

TEST(OhaiOutputTest, WhatIsNoObjectIsRefused) {
  for (const char* const json :
       {"", "[]", "\"os\"", "{", "{\"os\":}", "{} {}", "{\"os\":\"\xff\"}",
        "{\"\xff\":1}", "{\"a\\ud800\":1}", "[2026] ERROR: x\n{\"os\":1}"}) {
    EXPECT_THAT(ParseOhaiOutput(json, true, true),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("the output of ohai")))
        << json;
  }
}

TEST(OhaiOutputTest, AKeyThatOccursTwiceIsRefusedHoweverItIsSpelled) {
  for (const char* const json :
       {R"({"os":1,"a":2,"os":1})", R"({"os":1,"\u006fs":1})",
        R"({"roles":1,"roles":1})"}) {
    EXPECT_THAT(
        ParseOhaiOutput(json, true, true),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("twice")))
        << json;
  }
}

TEST(WithOursTest, OursGoesIntoOhaisTreeByteForByte) {
  const OhaiOutput ohai = Parsed(
      "{\"virtualization\": { \"system\":\"kvm\", \"kvm\" : {\"old\":1},\n"
      " \"role\": \"host\" }, \"os\": \"linux\"}");
  const auto wanted =
      WithOurs(ohai, {Ours(kKvm, R"({"guests":{},"n":1.0})"),
                      Ours({"automatic", "virtualization", "more"}, "[ ]"),
                      Ours({"automatic", "rehai", "schema"}, "1"),
                      Ours({"normal", "site", "rehai"}, "{}")});
  ASSERT_THAT(wanted, IsOk());
  EXPECT_THAT(
      InWords(*wanted),
      ElementsAre("automatic.os=\"linux\"",
                  "automatic.virtualization={ \"system\":\"kvm\", \"kvm\" : "
                  "{\"guests\":{},\"n\":1.0},\n \"role\": \"host\","
                  "\"more\":[ ] }",
                  "automatic.rehai.schema=1", "normal.site.rehai={}"));
}

TEST(WithOursTest, ATreeThatIsOursOrWithinOursIsLeftOut) {
  const OhaiOutput ohai = Parsed(R"({"libvirt":{"uri":"theirs"},"os":1})");
  const Subtree ours[] = {Ours({"automatic", "libvirt"}, "{}")};
  const auto wanted = WithOurs(ohai, ours);
  ASSERT_THAT(wanted, IsOk());
  EXPECT_THAT(InWords(*wanted),
              ElementsAre("automatic.os=1", "automatic.libvirt={}"));
  const Subtree whole_level[] = {Ours({"automatic"}, "{}")};
  const auto only_ours = WithOurs(ohai, whole_level);
  ASSERT_THAT(only_ours, IsOk());
  EXPECT_THAT(InWords(*only_ours), ElementsAre("automatic={}"));
}

TEST(WithOursTest, KeysThatBeginAlikeAreNotTheSame) {
  const OhaiOutput ohai = Parsed(R"({"lib":1,"libvirt_more":2})");
  const Subtree ours[] = {Ours({"automatic", "libvirt"}, "{}")};
  const auto wanted = WithOurs(ohai, ours);
  ASSERT_THAT(wanted, IsOk());
  EXPECT_THAT(InWords(*wanted),
              ElementsAre("automatic.lib=1", "automatic.libvirt_more=2",
                          "automatic.libvirt={}"));
}

TEST(WithOursTest, WhatOfOursIsToGoIsTakenOutOfOhaisTree) {
  const OhaiOutput ohai = Parsed(R"({"virtualization":{"kvm":1,"system":2}})");
  const Subtree ours[] = {{kKvm, std::nullopt}};
  const auto wanted = WithOurs(ohai, ours);
  ASSERT_THAT(wanted, IsOk());
  EXPECT_THAT(InWords(*wanted),
              ElementsAre(R"(automatic.virtualization={"system":2})"));
}

TEST(WithOursTest, NullCountsAsAnObjectThatIsMissing) {
  const Subtree ours[] = {Ours(kKvm, "{}")};
  const auto wanted = WithOurs(Parsed(R"({"virtualization":null})"), ours);
  ASSERT_THAT(wanted, IsOk());
  EXPECT_THAT(InWords(*wanted),
              ElementsAre(R"(automatic.virtualization={"kvm":{}})"));
}

TEST(WithOursTest, SomethingElseThanAnObjectOnTheWayIsAnError) {
  const Subtree ours[] = {
      Ours({"automatic", "virtualization", "kvm", "guests"}, "{}")};
  for (const char* const json :
       {R"({"virtualization":"kvm"})", R"({"virtualization":[]})",
        R"({"virtualization":{"kvm":7}})"}) {
    EXPECT_THAT(WithOurs(Parsed(json), ours),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("automatic.virtualization")))
        << json;
  }
}

// ---- written into a node ----

// `node` with all of `output` in it.
std::string Written(const std::string& node, const OhaiOutput& output) {
  const auto written = Splice(node, output.subtrees);
  EXPECT_THAT(written, IsOk());
  return written.value_or("");
}

std::string At(const std::string& node, const NodePath& path) {
  const auto value = FindValue(node, path);
  EXPECT_THAT(value, IsOk());
  EXPECT_TRUE(value->has_value()) << absl::StrJoin(path, ".");
  return std::string(value->value_or(""));
}

TEST(OhaiOutputTest, ARealDocumentArrivesByteForByteAndNothingElseChanges) {
  // What Ohai found on a real machine, spelled as Ohai prints it.
  const std::string ohai_node = *ReadFile("tests/data/ohai_node.json");
  const std::string json =
      nlohmann::ordered_json::parse(At(ohai_node, {"automatic"})).dump(2);
  const OhaiOutput output = Parsed(json);
  ASSERT_GT(output.subtrees.size(), 30);
  const std::string foreign =
      R"({"name":"hv1","normal": {"tags" : [ ]},"run_list":["recipe[a]"],)"
      R"("default":{"x":1.50},"override":{},"automatic":{"recipes":["a::b"],)"
      R"( "of_a_sibling":{"a":1e2},"ohai_time":1.0,"os":"beos"},"z":null})";
  const std::string node = Written(foreign, output);
  for (const Subtree& subtree : output.subtrees) {
    // Not EXPECT_EQ, which would print all of a value.
    EXPECT_TRUE(At(node, subtree.path) == *subtree.json) << subtree.path[1];
    EXPECT_TRUE(absl::StrContains(json, *subtree.json)) << subtree.path[1];
  }
  // Less what is Ohai's, both are the same bytes.
  std::vector<Subtree> without = output.subtrees;
  for (Subtree& subtree : without) subtree.json.reset();
  EXPECT_TRUE(*Splice(node, without) == *Splice(foreign, without));
  EXPECT_THAT(At(node, {"automatic", "of_a_sibling"}), "{\"a\":1e2}");
}

// Writes what Ohai may print, and more: every liberty of the grammar.
class RandomOhai {
 public:
  explicit RandomOhai(int seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % n); }

  // The object, and what stands in it.
  std::string Document(std::map<std::string, std::string>& values) {
    values.clear();
    std::vector<std::string> members;
    for (int i = Below(8); i > 0; --i) {
      // Two spellings of a key, of which at most one is used.
      const auto& [key, spelled] = Pick<std::pair<std::string, std::string>>(
          {{"os", R"("os")"},
           {"os", R"("\u006fs")"},
           {"virtualization", R"("virtualization")"},
           {"cpu", R"("cpu")"},
           {"ohai_time", R"("ohai_time")"},
           {"recipes", R"("recipes")"},
           {"", R"("")"},
           {"a\"b", R"("a\"b")"},
           {"a\\", R"("a\\")"},
           {"net.work", R"("net.work")"}});
      if (values.count(key) > 0) continue;
      values[key] = Value(3);
      members.push_back(absl::StrCat(Space(), spelled, Space(), ":", Space(),
                                     values[key], Space()));
    }
    return absl::StrCat(Space(), "{", absl::StrJoin(members, ","), "}",
                        Space());
  }

  std::string Value(int depth) {
    if (depth > 0 && Below(2) == 0) {
      return absl::StrCat("{", Space(), "\"b\":", Value(depth - 1), ",",
                          Space(), "\"a\" : [", Value(depth - 1), "]}");
    }
    return Pick<std::string>({"0", "-0.0", "1795527759.2440631", "2.5E-3",
                              "18446744073709551616", "1.50", "true", "null",
                              R"("")", R"("a,b:{}[]\"")", R"("\u003c&>\\")",
                              R"("é\ud83d\ude00")", "{}", "[ ]"});
  }

 private:
  template <typename T>
  T Pick(std::vector<T> choices) {
    return choices[Below(static_cast<int>(choices.size()))];
  }
  std::string Space() {
    return Pick<std::string>({"", "", " ", "\n  ", "\t\r\n"});
  }

  std::mt19937 random_;
};

class OhaiOutputPropertyTest : public testing::TestWithParam<int> {};

TEST_P(OhaiOutputPropertyTest, EveryKeyHasOhaisBytesAndNothingElseChanges) {
  RandomOhai random(GetParam());
  std::map<std::string, std::string> printed;
  std::map<std::string, std::string> stood;
  int written = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string json = random.Document(printed);
    const std::string before =
        absl::StrCat(R"({"name":"hv1", "normal":{"n": 1.0},"automatic" : )",
                     random.Document(stood), R"(,"run_list":[ ]})");
    SCOPED_TRACE(absl::StrCat(json, "\n", before));
    const OhaiOutput output = Parsed(json);
    const std::string after = Written(before, output);
    printed.erase("recipes");
    ASSERT_EQ(output.subtrees.size(), printed.size());
    written += static_cast<int>(printed.size());
    for (const auto& [key, value] : printed) {
      ASSERT_EQ(At(after, {"automatic", key}), value);
    }
    for (const auto& [key, value] : stood) {
      if (printed.count(key) > 0) continue;
      ASSERT_EQ(At(after, {"automatic", key}), value);
    }
    std::vector<Subtree> without = output.subtrees;
    for (Subtree& subtree : without) subtree.json.reset();
    ASSERT_EQ(*Splice(after, without), *Splice(before, without));
  }
  EXPECT_GT(written, 3000);
}

TEST_P(OhaiOutputPropertyTest, OursWinsInsideAndOhaisRestStays) {
  RandomOhai random(GetParam());
  std::map<std::string, std::string> printed;
  int merged = 0;
  for (int i = 0; i < 2000; ++i) {
    const OhaiOutput ohai = Parsed(random.Document(printed));
    const Subtree ours[] = {Ours(kKvm, random.Value(2)),
                            Ours({"automatic", "cpu"}, random.Value(1)),
                            Ours({"automatic", "rehai", "digest"}, "\"d\"")};
    const auto wanted = WithOurs(ohai, ours);
    const auto tree = printed.find("virtualization");
    if (tree != printed.end() && tree->second != "null" &&
        tree->second.front() != '{') {
      ASSERT_THAT(wanted, StatusIs(absl::StatusCode::kFailedPrecondition));
      continue;
    }
    ASSERT_THAT(wanted, IsOk());
    // Splice() refuses subtrees that meet.
    const auto spliced = Splice(R"({"automatic":{}})", *wanted);
    ASSERT_THAT(spliced, IsOk());
    for (const Subtree& subtree : ours) {
      ASSERT_EQ(At(*spliced, subtree.path), *subtree.json);
    }
    if (tree == printed.end() || tree->second == "null") continue;
    ++merged;
    const std::string without_ours =
        *Splice(At(*spliced, {"automatic", "virtualization"}),
                std::vector<Subtree>{{{"kvm"}, std::nullopt}});
    ASSERT_EQ(without_ours, tree->second);
  }
  EXPECT_GT(merged, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, OhaiOutputPropertyTest, testing::Range(1, 4));

}  // namespace
}  // namespace rehai::chef
