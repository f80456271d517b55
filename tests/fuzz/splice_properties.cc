// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/splice_properties.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "chef/node_document.h"
#include "chef/subtree.h"

namespace rehai::chef {
namespace {

struct Choice {
  const char* name;
  NodePath path;
  const char* json;
};

// The letters are a to h.
const std::vector<Choice>& Choices() {
  static const auto* const choices = new std::vector<Choice>{
      {"a", {"automatic", "virtualization", "kvm"}, R"({"guests":{}})"},
      {"b", {"automatic", "libvirt"}, R"({"uri":"test:///default"})"},
      {"c", {"automatic", "rehai", "guests"}, R"({"u1":{"vcpus":1}})"},
      {"d", {"automatic", "rehai", "digest"}, R"("d1")"},
      {"e", {"normal", "fleet", "rehai", "digest"}, "null"},
      {"f", {"normal", "k\"ey"}, "[1,2]"},
      {"g", {""}, "7"},
      {"h", {"default"}, "{}"}};
  return *choices;
}

std::vector<Subtree> SubtreesOf(absl::string_view letters) {
  std::vector<Subtree> subtrees;
  for (const char letter : letters) {
    const char lower = absl::ascii_tolower(letter);
    if (lower < 'a' || lower > 'h') continue;
    const Choice& choice = Choices()[lower - 'a'];
    const bool known =
        std::any_of(subtrees.begin(), subtrees.end(),
                    [&](const Subtree& s) { return s.path == choice.path; });
    if (known) continue;
    subtrees.push_back({choice.path, std::nullopt});
    if (letter == lower) subtrees.back().json = choice.json;
  }
  return subtrees;
}

// A document that another parser takes, and no deeper than the scanner goes.
// That parser takes a zero byte for the end, which it is not.
bool IsSurelyAnObject(absl::string_view document) {
  const auto opened =
      std::count_if(document.begin(), document.end(),
                    [](char c) { return c == '{' || c == '['; });
  return opened <= 500 && !absl::StrContains(document, '\0') &&
         absl::StartsWith(absl::StripLeadingAsciiWhitespace(document), "{") &&
         nlohmann::json::accept(document.begin(), document.end());
}

bool HoldsAll(const ScannedNode& node, const std::vector<Subtree>& subtrees) {
  return std::all_of(
      subtrees.begin(), subtrees.end(),
      [&node](const Subtree& subtree) { return node.Holds(subtree); });
}

// The properties of one splice of `before` with `subtrees`.
std::string BrokenBy(const ScannedNode& before, const std::string& document,
                     const std::vector<Subtree>& subtrees) {
  const auto after = ScannedNode::Scan(document, subtrees);
  if (!after.ok()) return "the result is no document";
  // Without the rule that no top key may go, which is for whole nodes.
  const bool keeps_tops =
      std::none_of(subtrees.begin(), subtrees.end(), [](const Subtree& s) {
        return s.path.size() == 1 && !s.json.has_value();
      });
  if (keeps_tops && !before.ForeignBytesAreIn(*after)) {
    return "foreign bytes are missing";
  }
  if (!HoldsAll(*after, subtrees)) return "the result does not hold it";
  if (!after->Difference().empty()) return "the result shows a difference";
  const auto again = after->Splice();
  if (!again.ok() || *again != document) return "again is not the same";
  return "";
}

}  // namespace

std::string BrokenSpliceProperty(absl::string_view input) {
  const size_t line = std::min(input.find('\n'), input.size());
  std::vector<Subtree> subtrees = SubtreesOf(input.substr(0, line));
  const absl::string_view document =
      input.substr(std::min(line + 1, input.size()));

  const auto before = ScannedNode::Scan(document, subtrees);
  if (!before.ok()) {
    return IsSurelyAnObject(document) ? "a good document is refused" : "";
  }
  const auto spliced = before->Splice();
  if (!spliced.ok()) {
    // A foreign value in the way.
    return spliced.status().code() == absl::StatusCode::kFailedPrecondition
               ? ""
               : "a document cannot be spliced";
  }
  std::string broken = BrokenBy(*before, *spliced, subtrees);
  if (!broken.empty()) return broken;

  for (Subtree& subtree : subtrees) subtree.json.reset();
  const auto with = ScannedNode::Scan(*spliced, subtrees);
  if (!with.ok()) return "the result is no document";
  const auto without = with->Splice();
  if (!without.ok()) return "what was put in cannot be taken out";
  return BrokenBy(*with, *without, subtrees);
}

}  // namespace rehai::chef
