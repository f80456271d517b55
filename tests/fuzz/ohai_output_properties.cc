// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "chef/node_document.h"
#include "chef/ohai_output.h"
#include "chef/subtree.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

using chef::OhaiOutput;
using chef::ScannedNode;
using chef::Subtree;

// The letters are a to f; upper case: to be taken out.
const std::vector<Subtree>& Choices() {
  static const auto* const choices = new std::vector<Subtree>{
      {{"automatic", "virtualization", "kvm"}, R"({"guests":{}})"},
      {{"automatic", "libvirt"}, R"({"uri":"test:///default"})"},
      {{"automatic", "rehai"}, R"({"digest":"d1"})"},
      {{"automatic", "a", "b", "c"}, "1"},
      {{"automatic", "a", "b", "d"}, "2"},
      {{"normal", "rehai"}, "{}"}};
  return *choices;
}

std::vector<Subtree> OursOf(absl::string_view letters) {
  std::vector<Subtree> ours;
  for (const char letter : letters) {
    const char lower = absl::ascii_tolower(letter);
    if (lower < 'a' || lower > 'f') continue;
    Subtree subtree = Choices()[lower - 'a'];
    if (std::any_of(ours.begin(), ours.end(), [&](const Subtree& known) {
          return known.path == subtree.path;
        })) {
      continue;
    }
    if (letter != lower) subtree.json.reset();
    ours.push_back(std::move(subtree));
  }
  return ours;
}

bool IsShallow(absl::string_view json) {
  return std::count_if(json.begin(), json.end(),
                       [](char c) { return c == '{' || c == '['; }) <= 500;
}

std::string BrokenOutput(const OhaiOutput& output, absl::string_view json) {
  const std::string* before = nullptr;
  for (const Subtree& tree : output.subtrees) {
    if (tree.path.size() != 2 || tree.path[0] != "automatic") {
      return "a tree that is not below automatic";
    }
    const std::string& key = tree.path[1];
    if (before != nullptr && *before >= key) return "keys out of order";
    before = &key;
    if (key == "rehai" || key == "recipes" || key == "ohai_time") {
      return absl::StrCat(key, " is not Ohai's to say");
    }
    if (!tree.json.has_value() || !absl::StrContains(json, *tree.json)) {
      return "bytes that are not Ohai's";
    }
    if (!IsJson(*tree.json)) return "a tree that is no JSON";
  }
  return "";
}

std::string BrokenMerge(const OhaiOutput& output,
                        const std::vector<Subtree>& ours) {
  const auto wanted = chef::WithOurs(output, ours);
  if (!wanted.ok()) {
    return absl::IsFailedPrecondition(wanted.status())
               ? ""
               : "an error of another code";
  }
  const auto without = chef::Splice("{}", output.subtrees);
  const auto with = chef::Splice("{}", *wanted);
  if (!without.ok() || !with.ok()) return "trees that make no document";
  const auto before = ScannedNode::Scan(*without, ours);
  const auto after = ScannedNode::Scan(*with, ours);
  if (!before.ok() || !after.ok()) return "a document that cannot be read";
  if (!before->ForeignBytesAreIn(*after)) return "bytes of Ohai's are missing";
  for (const Subtree& subtree : ours) {
    if (!after->Holds(subtree)) return "ours is not in it";
  }
  return "";
}

}  // namespace

// The input is what Ohai printed, from the first line break on. Before it, one
// letter for each tree of ours: lower case puts it there, upper case takes it
// out.
//   - Trees are in the order of their keys, each key once, none that is not
//     Ohai's to say, and their bytes stand in the output.
//   - With ours, every byte of Ohai's beside ours is kept, and ours is there.
std::string BrokenProperty(absl::string_view input) {
  absl::string_view json = input;
  const std::vector<Subtree> ours = OursOf(TakePart(json, "\n"));
  const auto output = chef::ParseOhaiOutput(json, /*whole=*/true,
                                            /*with_ohai_time=*/false);
  if (!output.ok()) {
    return absl::IsInvalidArgument(output.status())
               ? ""
               : "an error of another code";
  }
  if (!IsShallow(json)) return "";
  std::string broken = BrokenOutput(*output, json);
  return broken.empty() ? BrokenMerge(*output, ours) : broken;
}

}  // namespace rehai
