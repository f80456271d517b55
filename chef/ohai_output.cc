// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/ohai_output.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/json_scanner.h"
#include "chef/node_document.h"

namespace rehai::chef {
namespace {

constexpr absl::string_view kOhaiTime = "ohai_time";

// Automatic attributes that are not Ohai's to say. A plugin that provides one
// all the same is not listened to.
constexpr absl::string_view kNotOhais[] = {
    // chef-client sets these in each run, after it has taken over what Ohai
    // found (Chef::Node#expand!, #set_cookbook_attribute, #loaded_recipe).
    "recipes",
    "expanded_run_list",
    "roles",
    "cookbooks",
    "chef_environment",
    // The same for a node with a policy (Chef::PolicyBuilder::Policyfile).
    "policy_name",
    "policy_group",
    "policy_revision",
    // The data collector's name for the host (Chef::DataCollector::Reporter).
    "chef_guid",
    // Ours. Its digest says what was confirmed, and our plugin for Ohai would
    // bring an older one.
    "rehai",
};

bool IsOhais(absl::string_view key, bool keeps_ohai_time) {
  if (key == kOhaiTime) return keeps_ohai_time;
  return std::find(std::begin(kNotOhais), std::end(kNotOhais), key) ==
         std::end(kNotOhais);
}

// Where the string that `text` begins with ends, quotes included. The text has
// been scanned.
size_t StringLength(absl::string_view text) {
  size_t at = 1;
  while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

absl::StatusOr<std::string> Decoded(absl::string_view string) {
  const auto decoded =
      nlohmann::json::parse(string.begin(), string.end(), nullptr,
                            /*allow_exceptions=*/false);
  if (decoded.is_string()) return decoded.get<std::string>();
  return absl::InvalidArgumentError(
      absl::StrCat("the output of ohai: the key ", string,
                   " is not Unicode; find the plugin that provides it"));
}

// The bytes of the value in `member`, which is its key, a colon and its value.
absl::string_view ValueOf(absl::string_view member, size_t key_length) {
  const absl::string_view after_key =
      absl::StripLeadingAsciiWhitespace(member.substr(key_length));
  return absl::StripLeadingAsciiWhitespace(after_key.substr(1));
}

// True if `path` leads to `other`, or is it.
bool LeadsTo(const NodePath& path, const NodePath& other) {
  return path.size() <= other.size() &&
         std::equal(path.begin(), path.end(), other.begin());
}

// `tree` with those of `ours` in it that lie within it.
absl::StatusOr<Subtree> WithOursIn(const Subtree& tree,
                                   absl::Span<const Subtree> ours) {
  std::vector<Subtree> within;
  for (const Subtree& subtree : ours) {
    if (!LeadsTo(tree.path, subtree.path)) continue;
    within.push_back(
        {NodePath(subtree.path.begin() + static_cast<long>(tree.path.size()),
                  subtree.path.end()),
         subtree.json});
  }
  if (within.empty()) return tree;
  absl::StatusOr<std::string> spliced =
      absl::FailedPreconditionError("is not an object, and ours goes into it");
  // As everywhere, null counts as an object that is missing.
  if (tree.json == "null") {
    spliced = Splice("{}", within);
  } else if (tree.json->front() == '{') {
    spliced = Splice(*tree.json, within);
  }
  if (!spliced.ok()) {
    return absl::Status(
        spliced.status().code(),
        absl::StrCat("the output of ohai: ", DottedPath(tree.path), ": ",
                     spliced.status().message()));
  }
  return Subtree{tree.path, *std::move(spliced)};
}

}  // namespace

absl::StatusOr<OhaiOutput> ParseOhaiOutput(absl::string_view json, bool whole,
                                           bool with_ohai_time) {
  Sought root("");
  // The scanner tells an object's members if something is sought in it.
  root.children.emplace_back(std::string(kOhaiTime));
  if (absl::Status status = ScanJson(json, root); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the output of ohai is no JSON object in UTF-8: ", status.message()));
  }
  std::vector<std::pair<std::string, absl::string_view>> found;
  found.reserve(root.members.size());
  for (const Member& member : root.members) {
    const size_t key_length = StringLength(member.text);
    ASSIGN_OR_RETURN(std::string key,
                     Decoded(member.text.substr(0, key_length)));
    found.emplace_back(std::move(key), ValueOf(member.text, key_length));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  OhaiOutput output;
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [key, value] = found[i];
    if (i > 0 && found[i - 1].first == key) {
      return absl::InvalidArgumentError(
          absl::StrCat("the output of ohai has the key \"", key,
                       "\" twice; find the plugin that provides it again"));
    }
    if (!IsOhais(key, whole && with_ohai_time)) continue;
    output.subtrees.push_back({{"automatic", key}, std::string(value)});
  }
  return output;
}

absl::StatusOr<std::vector<Subtree>> WithOurs(const OhaiOutput& ohai,
                                              absl::Span<const Subtree> ours) {
  std::vector<Subtree> wanted;
  for (const Subtree& tree : ohai.subtrees) {
    const bool is_within_ours =
        std::any_of(ours.begin(), ours.end(), [&tree](const Subtree& subtree) {
          return LeadsTo(subtree.path, tree.path);
        });
    if (is_within_ours) continue;
    ASSIGN_OR_RETURN(Subtree merged, WithOursIn(tree, ours));
    wanted.push_back(std::move(merged));
  }
  const size_t trees = wanted.size();
  for (const Subtree& subtree : ours) {
    const bool is_in_a_tree =
        std::any_of(wanted.begin(), wanted.begin() + static_cast<long>(trees),
                    [&subtree](const Subtree& tree) {
                      return LeadsTo(tree.path, subtree.path);
                    });
    if (!is_in_a_tree) wanted.push_back(subtree);
  }
  return wanted;
}

}  // namespace rehai::chef
