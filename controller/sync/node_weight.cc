// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/node_weight.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "chef/node_cost.h"
#include "chef/node_document.h"
#include "chef/subtree.h"

namespace rehai {
namespace {

constexpr int kPaths = 40;

bool IsWithin(const chef::NodePath& path, const chef::NodePath& tree) {
  return path.size() >= tree.size() &&
         std::equal(tree.begin(), tree.end(), path.begin());
}

// The tops of what is ours, none of them within another.
std::vector<chef::NodePath> TreesOf(const chef::Rendering& rendering) {
  std::vector<chef::NodePath> trees = chef::StampPaths(rendering);
  for (const chef::Subtree& subtree : rendering.subtrees) {
    const bool is_covered = std::any_of(trees.begin(), trees.end(),
                                        [&](const chef::NodePath& tree) {
                                          return IsWithin(subtree.path, tree);
                                        });
    if (!is_covered) trees.push_back(subtree.path);
  }
  return trees;
}

}  // namespace

absl::StatusOr<v1::ChefCostResponse> WeighNode(
    absl::string_view document, const chef::Rendering& rendering) {
  v1::ChefCostResponse weight;
  weight.set_node_bytes(static_cast<int64_t>(document.size()));
  int64_t our_bytes = 0;
  std::vector<std::string> ours;
  for (const chef::NodePath& tree : TreesOf(rendering)) {
    ASSIGN_OR_RETURN(const std::optional<absl::string_view> value,
                     chef::FindValue(document, tree));
    if (value.has_value()) our_bytes += static_cast<int64_t>(value->size());
    ours.push_back(absl::StrJoin(tree, "."));
  }
  weight.set_our_bytes(our_bytes);
  ASSIGN_OR_RETURN(const std::vector<chef::PathBytes> paths,
                   chef::BiggestPaths(document, kPaths));
  for (const chef::PathBytes& path : paths) {
    v1::PathCost& cost = *weight.add_paths();
    cost.set_path(path.path);
    cost.set_bytes(path.bytes);
    cost.set_ours(
        std::any_of(ours.begin(), ours.end(), [&](const std::string& tree) {
          return path.path == tree ||
                 absl::StartsWith(path.path, absl::StrCat(tree, "."));
        }));
  }
  return weight;
}

}  // namespace rehai
