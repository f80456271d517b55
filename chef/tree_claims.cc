// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/tree_claims.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "chef/canonical_json.h"

namespace rehai::chef {
namespace {

using nlohmann::json;

// The last keys of our trees.
const std::vector<NodePath>& TreeNames() {
  static const auto* const names = new std::vector<NodePath>{
      {"virtualization", "kvm"}, {"libvirt"}, {"rehai"}};
  return *names;
}

// These are asked of every path, several times for each write: they copy none.
using PathView = absl::Span<const std::string>;

bool EndsWith(PathView path, PathView end) {
  return path.size() >= end.size() &&
         std::equal(end.rbegin(), end.rend(), path.rbegin());
}

bool IsRehaiTree(PathView path) {
  return !path.empty() && path.back() == "rehai";
}

// The tree that a subtree at `path` belongs to. A prefix may end in "rehai" as
// well, so libvirt right below one is a tree of its own.
PathView TreeOf(PathView path) {
  const PathView parent = path.first(path.size() - 1);
  return IsRehaiTree(parent) && path.back() != "libvirt" ? parent : path;
}

// The trees that `subtrees` make up, each once, where they name them.
std::vector<PathView> TreeViews(absl::Span<const Subtree> subtrees) {
  std::vector<PathView> trees;
  trees.reserve(subtrees.size());
  for (const Subtree& subtree : subtrees) {
    const PathView tree = TreeOf(subtree.path);
    if (std::find(trees.begin(), trees.end(), tree) == trees.end()) {
      trees.push_back(tree);
    }
  }
  return trees;
}

NodePath ClaimPath(NodePath stamp) {
  stamp.emplace_back("owns");
  return stamp;
}

// True if Render() may put a tree there: right at automatic, or anywhere below
// normal.
bool MayBeOurs(const NodePath& tree) {
  return std::any_of(
      TreeNames().begin(), TreeNames().end(), [&tree](const NodePath& name) {
        if (tree.size() == name.size() || !EndsWith(tree, name)) return false;
        const size_t place = tree.size() - name.size();
        return tree[0] == "automatic" ? place == 1
                                      : tree[0] == "normal" && place > 1;
      });
}

// True if one path is the other, or leads to it.
bool Meet(PathView a, PathView b) {
  return std::equal(a.begin(), a.begin() + std::min(a.size(), b.size()),
                    b.begin());
}

// The stamped trees whose list may be believed.
std::vector<NodePath> ClaimingTrees(absl::Span<const Subtree> wanted) {
  std::vector<NodePath> trees = {{"automatic", "rehai"}};
  for (NodePath& stamp : StampedTrees(wanted)) {
    if (stamp[0] == "normal") trees.push_back(std::move(stamp));
  }
  return trees;
}

// The trees that the list at `stamp` in `node` names.
std::vector<NodePath> ClaimedAt(const ScannedNode& node,
                                const NodePath& stamp) {
  const absl::string_view list = node.Value(ClaimPath(stamp)).value_or("");
  const json parsed = json::parse(list.begin(), list.end(), nullptr,
                                  /*allow_exceptions=*/false);
  std::vector<NodePath> trees;
  if (!parsed.is_array()) return trees;
  for (const json& dotted : parsed) {
    if (!dotted.is_string()) continue;
    NodePath tree = absl::StrSplit(dotted.get_ref<const std::string&>(), '.');
    if (MayBeOurs(tree) && (stamp[0] == "automatic" || tree[0] == stamp[0])) {
      trees.push_back(std::move(tree));
    }
  }
  return trees;
}

}  // namespace

std::vector<NodePath> TreesOf(absl::Span<const Subtree> subtrees) {
  std::vector<NodePath> trees;
  for (const PathView tree : TreeViews(subtrees)) {
    trees.emplace_back(tree.begin(), tree.end());
  }
  return trees;
}

std::vector<NodePath> StampedTrees(absl::Span<const Subtree> subtrees) {
  std::vector<NodePath> trees;
  for (const PathView tree : TreeViews(subtrees)) {
    if (IsRehaiTree(tree)) trees.emplace_back(tree.begin(), tree.end());
  }
  return trees;
}

std::vector<Subtree> Claims(absl::Span<const Subtree> subtrees) {
  const std::vector<PathView> trees = TreeViews(subtrees);
  std::vector<Subtree> claims;
  for (const PathView stamp : trees) {
    if (!IsRehaiTree(stamp)) continue;
    json owns = json::array();
    for (const PathView tree : trees) {
      if (stamp[0] == "automatic" || tree[0] == "normal") {
        owns.push_back(absl::StrJoin(tree, "."));
      }
    }
    claims.push_back(
        {ClaimPath(NodePath(stamp.begin(), stamp.end())), CanonicalJson(owns)});
  }
  return claims;
}

std::vector<NodePath> ClaimPaths(absl::Span<const Subtree> wanted) {
  std::vector<NodePath> paths = ClaimingTrees(wanted);
  for (NodePath& path : paths) path = ClaimPath(std::move(path));
  return paths;
}

std::vector<NodePath> TreesToRemove(const ScannedNode& node,
                                    absl::Span<const Subtree> wanted) {
  const std::vector<PathView> kept = TreeViews(wanted);
  std::vector<NodePath> removed;
  for (const NodePath& stamp : ClaimingTrees(wanted)) {
    for (NodePath& tree : ClaimedAt(node, stamp)) {
      const auto meets = [&tree](PathView other) { return Meet(tree, other); };
      if (std::none_of(kept.begin(), kept.end(), meets) &&
          std::none_of(removed.begin(), removed.end(), meets)) {
        removed.push_back(std::move(tree));
      }
    }
  }
  return removed;
}

}  // namespace rehai::chef
