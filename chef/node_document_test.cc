// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/file.h"
#include "tests/matchers.h"

namespace rehai::chef {

bool operator==(const PathDifference& a, const PathDifference& b) {
  return a.path == b.path && a.before == b.before && a.after == b.after;
}

void PrintTo(const PathDifference& d, std::ostream* out) {
  *out << d.path << ": " << d.before << " -> " << d.after;
}

namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

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

TEST(FindValueTest, ReturnsTheBytesAsTheyStand) {
  const std::string document = R"({ "automatic" : {"t":1795527759.2440631 ,
      "n": 18446744073709551616, "o": { "a" : [ 1 , 2 ] } } })";
  EXPECT_THAT(FindValue(document, Path{"automatic", "t"}),
              IsOkAndHolds(Optional(absl::string_view("1795527759.2440631"))));
  EXPECT_THAT(
      FindValue(document, Path{"automatic", "n"}),
      IsOkAndHolds(Optional(absl::string_view("18446744073709551616"))));
  EXPECT_THAT(
      FindValue(document, Path{"automatic", "o"}),
      IsOkAndHolds(Optional(absl::string_view(R"({ "a" : [ 1 , 2 ] })"))));
}

TEST(FindValueTest, KeyIsFoundHoweverItIsSpelled) {
  EXPECT_THAT(FindValue(R"({"\u0061utom\u0061tic":{"a\/b\"":7}})",
                        Path{"automatic", "a/b\""}),
              IsOkAndHolds(Optional(absl::string_view("7"))));
}

TEST(FindValueTest, LastOfDuplicateKeysCounts) {
  EXPECT_THAT(
      FindValue(R"({"a":{"b":1},"a":{"b":2,"\u0062":3}})", Path{"a", "b"}),
      IsOkAndHolds(Optional(absl::string_view("3"))));
  EXPECT_THAT(FindValue(R"({"a":{"b":1},"a":{}})", Path{"a", "b"}),
              IsOkAndHolds(std::nullopt));
  EXPECT_THAT(FindValue(R"({"a":{"b":1},"a":null})", Path{"a", "b"}),
              IsOkAndHolds(std::nullopt));
}

TEST(FindValueTest, PathThroughWhatIsNotAnObjectDoesNotExist) {
  EXPECT_THAT(FindValue(R"({"a":"b"})", Path{"a", "b"}),
              IsOkAndHolds(std::nullopt));
  EXPECT_THAT(FindValue(R"({"a":[{"b":1}]})", Path{"a", "b"}),
              IsOkAndHolds(std::nullopt));
}

TEST(FindValueTest, RefusesWhatIsNotOneJsonObject) {
  for (absl::string_view document : {"",
                                     " ",
                                     "null",
                                     "[]",
                                     "\"a\"",
                                     "{",
                                     "{}}",
                                     "{} x",
                                     "{}{}",
                                     "\xEF\xBB\xBF{}",
                                     R"({"a"})",
                                     R"({"a":})",
                                     R"({"a":1,})",
                                     R"({,"a":1})",
                                     R"({"a":1 "b":2})",
                                     R"({"a":[1,]})",
                                     R"({"a":[1 2]})",
                                     R"({a:1})",
                                     R"({'a':1})",
                                     R"({"a":01})",
                                     R"({"a":1.})",
                                     R"({"a":.5})",
                                     R"({"a":+1})",
                                     R"({"a":-})",
                                     R"({"a":1e})",
                                     R"({"a":0x1})",
                                     R"({"a":NaN})",
                                     R"({"a":tru})",
                                     R"({"a":nul)",
                                     R"({"a":True})",
                                     R"({"a":"b)",
                                     R"({"a":"\x"})",
                                     R"({"a":"\u12g4"})",
                                     R"({"a":"\u12)",
                                     "{\"a\":\"\n\"}",
                                     "{\"a\":\"\x01\"}",
                                     "{\"a\":\"\xFF\"}",
                                     "{\"a\":\"\xC0\xAF\"}",
                                     "{\"a\":\"\xE0\x80\x80\"}",
                                     "{\"a\":\"\xED\xA0\x80\"}",
                                     "{\"a\":\"\xF5\x80\x80\x80\"}",
                                     "{\"a\":\"\xE2\x82\"}",
                                     "{\"a\":\xC3\xA9}",
                                     "{\"a\":1}\v",
                                     R"({"a":1/*c*/})"}) {
    EXPECT_THAT(FindValue(document, Path{"x"}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << document;
  }
  EXPECT_THAT(FindValue(absl::string_view("{\"a\":1}\0", 8), Path{"x"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(FindValueTest, ErrorNamesTheOffset) {
  EXPECT_THAT(
      FindValue(R"({"name":"hv1","x":})", Path{"name"}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("a value"), HasSubstr("byte 18 of 19"))));
}

TEST(FindValueTest, EveryTruncationIsRefused) {
  const std::string document =
      R"({"a":[1,-2.5e+3,true,null,"\u00e9\n"],"b":{"c":{}}})";
  ASSERT_THAT(FindValue(document, Path{"b", "c"}), IsOk());
  for (size_t size = 0; size < document.size(); ++size) {
    EXPECT_THAT(FindValue(document.substr(0, size), Path{"b"}),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << size;
  }
}

TEST(FindValueTest, NestingIsBounded) {
  const auto nested = [](int depth) {
    return absl::StrCat("{\"a\":", std::string(depth - 1, '['),
                        std::string(depth - 1, ']'), "}");
  };
  EXPECT_THAT(FindValue(nested(512), Path{"b"}), IsOk());
  EXPECT_THAT(FindValue(nested(513), Path{"b"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FindValue(std::string(1'000'000, '['), Path{"b"}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

struct SpliceCase {
  const char* before;
  std::vector<Subtree> subtrees;
  const char* after;
};

TEST(SpliceTest, ChangesOnlyItsOwnBytes) {
  const std::vector<SpliceCase> cases = {
      // Replaced.
      {R"({"a": { "b" :1.50, "c":2 } })",
       {Put({"a", "b"}, "{}")},
       R"({"a": { "b" :{}, "c":2 } })"},
      {R"({"b":1,"b":2})", {Put({"b"}, "3")}, R"({"b":1,"b":3})"},
      {R"({"b":null})", {Put({"b"}, "3")}, R"({"b":3})"},
      // Inserted.
      {"{}", {Put({"b"}, "3")}, R"({"b":3})"},
      {"{ \n }", {Put({"b"}, "3")}, "{\"b\":3 \n }"},
      {"{ \"a\" : 1 \n }", {Put({"b"}, "3")}, "{ \"a\" : 1,\"b\":3 \n }"},
      {R"({"a":{}})",
       {Put({"a", "b"}, "3"), Put({"a", "c"}, "4")},
       R"({"a":{"b":3,"c":4}})"},
      {"{}", {Put({"k\"ey"}, "3")}, R"({"k\"ey":3})"},
      // Parents made.
      {"{}", {Put({"a", "b", "c"}, "3")}, R"({"a":{"b":{"c":3}}})"},
      {R"({"a":null})",
       {Put({"a", "b"}, "3"), Put({"a", "c"}, "4")},
       R"({"a":{"b":3,"c":4}})"},
      {R"({"x":1})",
       {Put(kKvm, "1"), Put(kLibvirt, "2"), Put(kRehai, "3")},
       R"({"x":1,"automatic":{"virtualization":{"kvm":1},"libvirt":2,"rehai":3}})"},
      {R"({"automatic":{"virtualization":{"role":"host"}}})",
       {Put(kKvm, "1"), Put(kLibvirt, "2"), Put(kRehai, "3")},
       R"({"automatic":{"virtualization":{"role":"host","kvm":1},"libvirt":2,"rehai":3}})"},
      {R"({"a":{"b":1},"a":null})",
       {Put({"a", "b"}, "3")},
       R"({"a":{"b":1},"a":{"b":3}})"},
      // Removed.
      {R"({"a":1 , "b":2 , "c":3})", {Remove({"a"})}, R"({"b":2 , "c":3})"},
      {R"({"a":1 , "b":2 , "c":3})", {Remove({"b"})}, R"({"a":1 , "c":3})"},
      {R"({"a":1 , "b":2 , "c":3 })", {Remove({"c"})}, R"({"a":1 , "b":2 })"},
      {R"({"a":1 , "b":2 , "c":3})",
       {Remove({"a"}), Remove({"b"})},
       R"({"c":3})"},
      {R"({"a":1 , "b":2 , "c":3})",
       {Remove({"b"}), Remove({"c"})},
       R"({"a":1})"},
      {R"({"a":1 , "b":2 , "c":3})",
       {Remove({"a"}), Remove({"c"})},
       R"({"b":2})"},
      {R"({ "a":1 , "b":2 })", {Remove({"a"}), Remove({"b"})}, R"({  })"},
      {R"({"a":{"b":1}})", {Remove({"a", "b"})}, R"({"a":{}})"},
      {R"({"b":1,"x":2,"\u0062":3})", {Remove({"b"})}, R"({"x":2})"},
      {R"({"a":1})", {Remove({"b"})}, R"({"a":1})"},
      {R"({"a":1})", {Remove({"a", "b"})}, R"({"a":1})"},
      {R"({"a":null})", {Remove({"a", "b"})}, R"({"a":null})"},
      {"{}", {Remove({"a", "b"})}, "{}"},
      // Several at once in one object.
      {R"({"a":1,"b":2})",
       {Remove({"a"}), Put({"c"}, "3")},
       R"({"b":2,"c":3})"},
      {R"({"a":1,"b":2})",
       {Remove({"b"}), Put({"c"}, "3")},
       R"({"a":1,"c":3})"},
      {R"({"a":1})", {Remove({"a"}), Put({"c"}, "3")}, R"({"c":3})"},
      {R"({"a":1,"b":2,"c":3})",
       {Put({"c"}, "30"), Remove({"b"}), Put({"a"}, "10"), Put({"d"}, "40")},
       R"({"a":10,"c":30,"d":40})"},
      // Spelling outside stays.
      {R"({"\u0061":{"é":"\u00e9\/<&\u003c","n":-0.0e+00}, "a":{ "b": [ ] }})",
       {Put({"a", "b"}, "1")},
       R"({"\u0061":{"é":"\u00e9\/<&\u003c","n":-0.0e+00}, "a":{ "b": 1 }})"},
  };
  for (const SpliceCase& c : cases) {
    EXPECT_THAT(Splice(c.before, c.subtrees), IsOkAndHolds(c.after))
        << c.before;
  }
}

TEST(SpliceTest, ForeignValueInTheWayIsNotOverwritten) {
  for (absl::string_view value : {"\"kvm\"", "[]", "7", "false"}) {
    const std::string document =
        absl::StrCat(R"({"automatic":{"virtualization":)", value, "}}");
    EXPECT_THAT(SpliceOne(document, Put(kKvm, "{}")),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("automatic.virtualization")));
  }
}

TEST(SpliceTest, RefusesSubtreesThatMeet) {
  for (const std::vector<Subtree>& subtrees :
       {std::vector<Subtree>{Put({"a"}, "1"), Put({"a", "b"}, "1")},
        std::vector<Subtree>{Put({"a", "b"}, "1"), Remove({"a"})},
        std::vector<Subtree>{Put({"a"}, "1"), Put({"a"}, "1")},
        std::vector<Subtree>{Put({}, "{}")}}) {
    EXPECT_THAT(Splice("{}", subtrees),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(HoldsTest, ComparesValuesNotSpelling) {
  const std::string document =
      R"({"automatic":{"rehai":{ "b" : [ 1.0 , "\u003c" ], "a":1e2 }}})";
  const auto holds = [&](const Subtree& subtree) {
    return Holds(document, {&subtree, 1});
  };
  EXPECT_THAT(holds(Put(kRehai, R"({"a":100,"b":[1,"<"]})")),
              IsOkAndHolds(true));
  EXPECT_THAT(holds(Put(kRehai, R"({"a":100,"b":["<",1]})")),
              IsOkAndHolds(false));
  EXPECT_THAT(holds(Put(kRehai, R"({"a":100})")), IsOkAndHolds(false));
  EXPECT_THAT(holds(Put(kRehai, R"({"a":"100","b":[1,"<"]})")),
              IsOkAndHolds(false));
  EXPECT_THAT(holds(Put(kKvm, "{}")), IsOkAndHolds(false));
  EXPECT_THAT(holds(Remove(kKvm)), IsOkAndHolds(true));
  EXPECT_THAT(holds(Remove(kRehai)), IsOkAndHolds(false));
}

TEST(HoldsTest, ValueBeyondRepresentationIsNotHeld) {
  const Subtree subtree = Put({"a"}, "1");
  EXPECT_THAT(Holds(R"({"a":1e999})", {&subtree, 1}), IsOkAndHolds(false));
  EXPECT_THAT(Holds(R"({"a":"\ud800"})", {&subtree, 1}), IsOkAndHolds(false));
  EXPECT_THAT(Difference(R"({"a":1e999})", {&subtree, 1}),
              IsOkAndHolds(ElementsAre(PathDifference{"a", "1e999", "1"})));
}

TEST(DifferenceTest, ListsLeavesInTheOrderOfTheirPaths) {
  const std::string document = R"({"automatic":{"virtualization":{"kvm":{
      "guests":{"web01":{"state":"running","id":"1"},"old":{"id":"2"}},
      "total": 3, "same": {"x": 1.0}}},"libvirt":{"uri":"x"}}})";
  const std::vector<Subtree> subtrees = {
      Put(kKvm,
          R"({"guests":{"web.1":{},"web01":{"State":"shut off","id":"-"}},)"
          R"("same":{"x":1},"total":[3]})"),
      Remove(kLibvirt)};
  EXPECT_THAT(
      Difference(document, subtrees),
      IsOkAndHolds(ElementsAre(
          PathDifference{"automatic.libvirt.uri", "\"x\"", ""},
          PathDifference{"automatic.virtualization.kvm.guests.\"web.1\"", "",
                         "{}"},
          PathDifference{"automatic.virtualization.kvm.guests.old.id", "\"2\"",
                         ""},
          PathDifference{"automatic.virtualization.kvm.guests.web01.State", "",
                         "\"shut off\""},
          PathDifference{"automatic.virtualization.kvm.guests.web01.id",
                         "\"1\"", "\"-\""},
          PathDifference{"automatic.virtualization.kvm.guests.web01.state",
                         "\"running\"", ""},
          PathDifference{"automatic.virtualization.kvm.total", "3", "[3]"})));
}

std::string RealNode() { return ReadFile("tests/data/ohai_node.json").value(); }

TEST(RealNodeTest, EveryForeignByteSurvivesAHundredUpdates) {
  const std::string original = RealNode();
  // The trees as they stand in the fixture.
  const std::string kvm(**FindValue(original, kKvm));
  const std::string libvirt(**FindValue(original, kLibvirt));
  std::string node = original;
  for (int i = 0; i < 100; ++i) {
    node = Splice(node,
                  std::vector<Subtree>{
                      Put(kKvm, absl::StrCat("{\"n\":", i, "}")),
                      i % 3 == 0 ? Remove(kRehai)
                                 : Put(kRehai, absl::StrCat("[", i, "]")),
                      Put(kLibvirt, i % 2 == 0 ? "{}" : "null")})
               .value();
  }
  ASSERT_NE(node, original);
  node = Splice(node, std::vector<Subtree>{Put(kKvm, kvm), Remove(kRehai),
                                           Put(kLibvirt, libvirt)})
             .value();
  EXPECT_EQ(node, original);
}

TEST(RealNodeTest, HoldsWhatTheServerSpelledItsOwnWay) {
  const std::string node = RealNode();
  const std::string kvm = json::parse(**FindValue(node, kKvm)).dump();
  ASSERT_NE(kvm, **FindValue(node, kKvm));
  const Subtree subtree = Put(kKvm, kvm);
  EXPECT_THAT(Holds(node, {&subtree, 1}), IsOkAndHolds(true));
  EXPECT_THAT(Difference(node, {&subtree, 1}), IsOkAndHolds(IsEmpty()));
}

// True if all that is foreign in `before` is in `after`.
bool ForeignBytesAreIn(const std::string& before, const std::string& after,
                       const std::vector<Subtree>& subtrees) {
  const auto was = ScannedNode::Scan(before, subtrees);
  const auto is = ScannedNode::Scan(after, subtrees);
  EXPECT_THAT(was, IsOk());
  EXPECT_THAT(is, IsOk());
  return was->ForeignBytesAreIn(*is);
}

TEST(ForeignBytesTest, OursMayComeGoAndChange) {
  const std::vector<Subtree> ours = {Put(kKvm, "1"), Put(kRehai, "2")};
  const std::string before = R"({"name":"hv1","automatic":{"x":1, "rehai":3}})";
  for (const char* const after :
       {R"({"name":"hv1","automatic":{"x":1, "rehai":3}})",
        R"({"name":"hv1","automatic":{"x":1,"rehai":{"a":[]}}})",
        R"({"name":"hv1","automatic":{"x":1}})",
        R"({"name":"hv1","automatic":{"x":1,"virtualization":{"kvm":1}}})"}) {
    EXPECT_TRUE(ForeignBytesAreIn(before, after, ours)) << after;
  }
  EXPECT_TRUE(ForeignBytesAreIn(R"({"automatic":null})",
                                R"({"automatic":{"rehai":2}})", ours));
  EXPECT_TRUE(ForeignBytesAreIn("{}", R"({"automatic":{"rehai":2}})", ours));
}

TEST(ForeignBytesTest, NothingForeignMayBeMissingMovedOrSpelledOtherwise) {
  const std::vector<Subtree> ours = {Put(kKvm, "1"), Put(kRehai, "2")};
  const std::string before =
      R"({"name":"hv1","automatic":{"x":1.0,"y":{},)"
      R"("virtualization":{"system":"kvm","kvm":0},"x":2},"normal":null})";
  ASSERT_TRUE(ForeignBytesAreIn(before, before, ours));
  for (const auto& [from, to] :
       {std::pair(R"("name":"hv1",)", ""), std::pair(R"(,"normal":null)", ""),
        std::pair(R"("normal":null)", R"("normal":{})"),
        std::pair(R"("x":1.0,)", ""), std::pair(R"("x":1.0)", R"("x":1)"),
        std::pair(R"("x":1.0,"y":{})", R"("y":{},"x":1.0)"),
        std::pair(R"(,"x":2)", ""), std::pair(R"("x":2)", R"("x":2,"z":3)"),
        std::pair(R"("system":"kvm",)", ""),
        std::pair(R"("system":"kvm")", R"("system":"k\u0076m")"),
        std::pair(R"({"system":"kvm","kvm":0})", "null")}) {
    const std::string after = absl::StrReplaceAll(before, {{from, to}});
    ASSERT_NE(after, before);
    EXPECT_FALSE(ForeignBytesAreIn(before, after, ours)) << after;
  }
}

TEST(ForeignBytesTest, AForeignValueInTheWayMayNotBecomeAParent) {
  const std::vector<Subtree> ours = {Put(kRehai, "2")};
  EXPECT_FALSE(ForeignBytesAreIn(R"({"automatic":[1]})",
                                 R"({"automatic":{"rehai":2}})", ours));
}

TEST(ForeignBytesTest, NoTopKeyMayGoEvenIfItIsOurs) {
  EXPECT_FALSE(ForeignBytesAreIn(R"({"name":"hv1","normal":{}})",
                                 R"({"name":"hv1"})", {Remove({"normal"})}));
}

TEST(ForeignBytesTest, OfADuplicateParentTheFirstIsForeign) {
  const std::vector<Subtree> ours = {Put(kRehai, "2")};
  const std::string before =
      R"({"automatic":{"rehai":1},"automatic":{"rehai":1}})";
  EXPECT_TRUE(ForeignBytesAreIn(
      before, R"({"automatic":{"rehai":1},"automatic":{"rehai":2}})", ours));
  EXPECT_FALSE(ForeignBytesAreIn(
      before, R"({"automatic":{"rehai":2},"automatic":{"rehai":1}})", ours));
}

}  // namespace
}  // namespace rehai::chef
