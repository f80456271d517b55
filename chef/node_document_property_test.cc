// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Random documents with every liberty that JSON allows, held against a model on
// parsed values and compared byte by byte.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chef/node_document.h"
#include "tests/matchers.h"

namespace rehai::chef {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Path = std::vector<std::string>;

const Path kKvm = {"automatic", "virtualization", "kvm"};
const Path kLibvirt = {"automatic", "libvirt"};
const Path kRehai = {"automatic", "rehai"};

Subtree Put(Path path, std::string value) {
  return {std::move(path), std::move(value)};
}
Subtree Remove(Path path) { return {std::move(path), std::nullopt}; }

absl::StatusOr<std::string> SpliceOne(absl::string_view document,
                                      const Subtree& subtree) {
  return Splice(document, {&subtree, 1});
}

// Writes random JSON with every liberty that the grammar allows.
class RandomJson {
 public:
  explicit RandomJson(int seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % n); }

  std::string Document() { return absl::StrCat(Space(), Object(5), Space()); }

  std::string Value(int depth) {
    switch (Below(depth > 0 ? 8 : 6)) {
      case 0:
        return Pick({"0", "-0.0", "1795527759.2440631", "2.5E-3",
                     "18446744073709551616", "-17", "1.50"});
      case 1:
        return Pick({"true", "false"});
      case 2:
        return "null";
      case 3:
        return Pick({R"("")", R"("a,b:{}[]")", R"("\"\\\/")", R"("\u003c&>")",
                     R"("\ud83d\ude00 é")", R"("automatic")"});
      case 4:
        return absl::StrCat("{", Space(), "}");
      case 5:
        return absl::StrCat("[", Space(), "]");
      case 6: {
        std::vector<std::string> values;
        for (int i = 1 + Below(3); i > 0; --i) {
          values.push_back(absl::StrCat(Space(), Value(depth - 1), Space()));
        }
        return absl::StrCat("[", absl::StrJoin(values, ","), "]");
      }
      default:
        return Object(depth);
    }
  }

  Path SubtreePath() {
    static const auto& paths =
        *new std::vector<Path>{kKvm,
                               kLibvirt,
                               {"automatic", "rehai", "guests"},
                               {"automatic", "rehai", "digest"},
                               {"automatic", "k\"ey"},
                               {"normal"},
                               {"libvirt", "kvm", "rehai", "guests"}};
    return paths[Below(paths.size())];
  }

 private:
  std::string Pick(std::vector<std::string> choices) {
    return choices[Below(choices.size())];
  }

  std::string Space() { return Pick({"", "", "", " ", "\n\t", " \r\n  "}); }

  // Few keys, so that paths are met and duplicates occur.
  std::string Key() {
    return Pick({R"("automatic")", R"("\u0061utomatic")", R"("automatic")",
                 R"("virtualization")", R"("kvm")", R"("libvirt")",
                 R"("lib\u0076irt")", R"("rehai")", R"("guests")",
                 R"("digest")", R"("k\"ey")", R"("normal")", R"("")",
                 R"("automatic.rehai")"});
  }

  std::string Object(int depth) {
    std::vector<std::string> members;
    for (int i = Below(6); i > 0; --i) {
      members.push_back(absl::StrCat(Space(), Key(), Space(), ":", Space(),
                                     Value(depth - 1), Space()));
    }
    return members.empty()
               ? absl::StrCat("{", Space(), "}")
               : absl::StrCat("{", absl::StrJoin(members, ","), "}");
  }

  std::mt19937 random_;
};

// What Splice() means, on parsed values. False: a foreign value is in the way.
bool ModelSplice(json& document, const Subtree& subtree) {
  json* at = &document;
  for (size_t i = 0; i + 1 < subtree.path.size(); ++i) {
    const bool missing = at->is_null() || !at->contains(subtree.path[i]) ||
                         (*at)[subtree.path[i]].is_null();
    if (missing && !subtree.json.has_value()) return true;
    if (missing) (*at)[subtree.path[i]] = json::object();
    at = &(*at)[subtree.path[i]];
    if (!at->is_object()) return !subtree.json.has_value();
  }
  if (subtree.json.has_value()) {
    (*at)[subtree.path.back()] = json::parse(*subtree.json);
  } else {
    at->erase(subtree.path.back());
  }
  return true;
}

// How many bytes at both ends the two texts share, counted without overlap.
size_t SharedEnds(absl::string_view a, absl::string_view b) {
  const size_t least = std::min(a.size(), b.size());
  const size_t front =
      std::mismatch(a.begin(), a.begin() + least, b.begin()).first - a.begin();
  const size_t back =
      std::mismatch(a.rbegin(), a.rbegin() + (least - front), b.rbegin())
          .first -
      a.rbegin();
  return front + back;
}

void ExpectOnlyOwnBytesChanged(const std::string& before,
                               const std::string& after,
                               const Subtree& subtree) {
  const auto old_value = FindValue(before, subtree.path);
  ASSERT_THAT(old_value, IsOk());
  const auto new_value = FindValue(after, subtree.path);
  ASSERT_THAT(new_value, IsOk());
  if (old_value->has_value() && subtree.json.has_value()) {
    // Replaced: the same text stands before and after the value.
    const size_t begin = (*old_value)->data() - before.data();
    EXPECT_EQ(after, absl::StrCat(before.substr(0, begin), *subtree.json,
                                  before.substr(begin + (*old_value)->size())));
  } else if (subtree.json.has_value()) {
    // Inserted: nothing of the old text is gone, but a null that became a
    // parent.
    const size_t shared = SharedEnds(before, after);
    EXPECT_GE(shared + strlen("null"), before.size());
    if (shared < before.size()) {
      EXPECT_THAT(before, HasSubstr("null"));
    }
  } else if (!old_value->has_value()) {
    EXPECT_EQ(before, after);
  } else if (SharedEnds(before, after) < after.size()) {
    // Removed in more than one piece: only if the key stood there twice.
    const std::string start =
        absl::StrCat("\"", subtree.path.back().substr(0, 1));
    EXPECT_THAT(before, HasSubstr(start));
    EXPECT_NE(before.find(start), before.rfind(start));
  }
}

class SplicePropertyTest : public testing::TestWithParam<int> {};

TEST_P(SplicePropertyTest, OneSubtree) {
  RandomJson random(GetParam());
  int spliced = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string before = random.Document();
    const Subtree subtree{
        random.SubtreePath(),
        random.Below(4) == 0
            ? std::nullopt
            : std::optional(json::parse(random.Value(3)).dump())};
    SCOPED_TRACE(absl::StrCat(before, "\n", absl::StrJoin(subtree.path, "."),
                              " = ", subtree.json.value_or("(removed)")));
    json model = json::parse(before);
    const bool possible = ModelSplice(model, subtree);
    const auto after = SpliceOne(before, subtree);
    if (!possible) {
      EXPECT_THAT(after, StatusIs(absl::StatusCode::kFailedPrecondition));
      continue;
    }
    ++spliced;
    ASSERT_THAT(after, IsOk());
    ASSERT_EQ(json::parse(*after), model) << *after;
    ExpectOnlyOwnBytesChanged(before, *after, subtree);
    EXPECT_THAT(SpliceOne(*after, subtree), IsOkAndHolds(*after));
    EXPECT_THAT(Holds(*after, {&subtree, 1}), IsOkAndHolds(true));
    EXPECT_THAT(Difference(*after, {&subtree, 1}), IsOkAndHolds(IsEmpty()));
    const auto found = FindValue(*after, subtree.path);
    ASSERT_THAT(found, IsOk());
    ASSERT_EQ(found->has_value(), subtree.json.has_value());
    if (found->has_value()) {
      EXPECT_EQ(**found, *subtree.json);
    }
  }
  EXPECT_GT(spliced, 1000);
}

TEST_P(SplicePropertyTest, SeveralAtOnceAreTheSameAsOneByOne) {
  RandomJson random(GetParam());
  int spliced = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string before = random.Document();
    std::vector<Subtree> subtrees;
    for (const Path& path :
         {kKvm, kLibvirt, Path{"automatic", "rehai", "guests"},
          Path{"automatic", "rehai", "digest"}, Path{"normal"}}) {
      if (random.Below(3) == 0) continue;
      subtrees.push_back(random.Below(3) == 0 ? Remove(path)
                                              : Put(path, R"({"a":[1]})"));
    }
    SCOPED_TRACE(before);
    absl::StatusOr<std::string> one_by_one = before;
    // Removals first: one by one, an insertion would find what is to go.
    for (const bool removals : {true, false}) {
      for (const Subtree& subtree : subtrees) {
        if (one_by_one.ok() && removals != subtree.json.has_value()) {
          one_by_one = SpliceOne(*one_by_one, subtree);
        }
      }
    }
    const auto at_once = Splice(before, subtrees);
    ASSERT_EQ(at_once.status().code(), one_by_one.status().code());
    if (!at_once.ok()) continue;
    ++spliced;
    ASSERT_EQ(*at_once, *one_by_one);
    EXPECT_THAT(Holds(*at_once, subtrees), IsOkAndHolds(true));
    EXPECT_THAT(Difference(*at_once, subtrees), IsOkAndHolds(IsEmpty()));
  }
  EXPECT_GT(spliced, 500);
}

// Removing takes the member, one comma and the space beside that comma: what
// was inserted can be taken out again without a trace.
TEST_P(SplicePropertyTest, RemovalUndoesInsertion) {
  RandomJson random(GetParam());
  int undone = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string before = random.Document();
    const Path path = random.SubtreePath();
    const Path parent(path.begin(), path.end() - 1);
    if (parent.empty()) continue;
    const auto existing = FindValue(before, path);
    const auto parent_value = FindValue(before, parent);
    if (!existing.ok() || existing->has_value() || !parent_value.ok() ||
        !parent_value->has_value() || (*parent_value)->front() != '{') {
      continue;
    }
    ++undone;
    const auto inserted = SpliceOne(before, Put(path, "{\"a\":1}"));
    ASSERT_THAT(inserted, IsOk());
    EXPECT_THAT(SpliceOne(*inserted, Remove(path)), IsOkAndHolds(before));
  }
  EXPECT_GT(undone, 20);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SplicePropertyTest, testing::Range(1, 6));

}  // namespace
}  // namespace rehai::chef
