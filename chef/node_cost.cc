// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_cost.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "chef/json_scanner.h"
#include "chef/node_document.h"
#include "chef/subtree.h"

namespace rehai::chef {
namespace {

// A path must take at least this part of the document to be told.
constexpr int64_t kLeastShare = 100;

// A member's text, taken apart. It is well-formed.
struct KeyAndValue {
  std::string key;
  absl::string_view value;
};
KeyAndValue TakeApart(absl::string_view member) {
  size_t quote = 1;
  while (member[quote] != '"') quote += member[quote] == '\\' ? 2 : 1;
  const absl::string_view spelled = member.substr(0, quote + 1);
  const auto key = nlohmann::json::parse(spelled.begin(), spelled.end(),
                                         nullptr, /*allow_exceptions=*/false);
  const absl::string_view value = absl::StripLeadingAsciiWhitespace(
      absl::StripLeadingAsciiWhitespace(member.substr(quote + 1)).substr(1));
  // A lone surrogate is no text: the key as it is spelled will do.
  return {key.is_string() ? key.get<std::string>() : std::string(spelled),
          value};
}

// Adds every path within `object`, which is at `path`, that has as many bytes.
absl::Status AddMembers(absl::string_view object, int64_t least, NodePath& path,
                        std::vector<PathBytes>& paths) {
  Sought root("");
  root.children.emplace_back("");  // members are told of what has children
  RETURN_IF_ERROR(ScanJson(object, root));
  for (const Member& member : root.members) {
    const auto bytes = static_cast<int64_t>(member.text.size());
    if (bytes < least) continue;
    KeyAndValue parts = TakeApart(member.text);
    path.push_back(std::move(parts.key));
    paths.push_back({DottedPath(path), bytes});
    if (parts.value.front() == '{') {
      RETURN_IF_ERROR(AddMembers(parts.value, least, path, paths));
    }
    path.pop_back();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<PathBytes>> BiggestPaths(absl::string_view document,
                                                    int count) {
  const auto size = static_cast<int64_t>(document.size());
  std::vector<PathBytes> paths;
  NodePath path;
  RETURN_IF_ERROR(AddMembers(document, (size + kLeastShare - 1) / kLeastShare,
                             path, paths));
  std::stable_sort(
      paths.begin(), paths.end(),
      [](const PathBytes& a, const PathBytes& b) { return a.bytes > b.bytes; });
  if (static_cast<int64_t>(paths.size()) > count)
    paths.resize(std::max(count, 0));
  return paths;
}

}  // namespace rehai::chef
