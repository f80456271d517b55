// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rendering.h"

#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chef/canonical_json.h"
#include "chef/rendering_trees.h"
#include "chef/sha256.h"
#include "chef/tree_claims.h"

namespace rehai::chef {
namespace {

// One line for the path, one for the JSON: neither contains a line break.
void AddLines(const std::vector<Subtree>& subtrees, std::string& text) {
  for (const Subtree& subtree : subtrees) {
    absl::StrAppend(&text, absl::StrJoin(subtree.path, "."), "\n");
    if (subtree.json.has_value()) absl::StrAppend(&text, *subtree.json);
    absl::StrAppend(&text, "\n");
  }
}

std::string Digest(const Rendering& rendering) {
  std::string text;
  AddLines(rendering.subtrees, text);
  if (!rendering.data_bag.empty()) {
    absl::StrAppend(&text, rendering.data_bag, "\n");
    AddLines(rendering.item, text);
  }
  return absl::BytesToHexString(Sha256(text));
}

NodePath Joined(NodePath path, const NodePath& more) {
  path.insert(path.end(), more.begin(), more.end());
  return path;
}

Subtree Leaf(const NodePath& tree, const char* key,
             std::optional<std::string> json) {
  return {Joined(tree, {key}), std::move(json)};
}

std::optional<std::string> Rfc3339(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) {
    return std::nullopt;
  }
  return absl::FormatTime("\"%Y-%m-%d%ET%H:%M:%E3SZ\"", time,
                          absl::UTCTimeZone());
}

// The trees of one record, from a place's top.
std::vector<Subtree> Trees(const v1::Record& record,
                           const RenderingOptions& options) {
  std::vector<Subtree> trees;
  if (options.kvm_extensions) {
    trees.push_back({{"virtualization", "kvm"},
                     KvmExtensionsTree(record, options.volatile_values)});
  }
  if (options.ohai_libvirt) {
    trees.push_back(
        {{"libvirt"}, OhaiLibvirtTree(record, options.volatile_values)});
  }
  if (options.rehai) {
    const NodePath rehai = {"rehai"};
    trees.push_back(Leaf(rehai, "schema", absl::StrCat(kRehaiSchema)));
    trees.push_back(Leaf(rehai, "host", RehaiHostTree(record.facts())));
    trees.push_back(Leaf(rehai, "guests", RehaiGuestsTree(record)));
  }
  return trees;
}

NodePath NormalPlace(const Places& places) {
  return Joined({"normal"}, places.normal_prefix);
}

void AddStamp(const NodePath& tree, const Stamp& stamp,
              std::vector<Subtree>& subtrees) {
  subtrees.push_back(Leaf(tree, "digest", CanonicalJson(stamp.digest)));
  subtrees.push_back(Leaf(tree, "revision", absl::StrCat(stamp.revision)));
  subtrees.push_back(Leaf(tree, "observed_at", Rfc3339(stamp.observed_at)));
  subtrees.push_back(Leaf(tree, "written_at", Rfc3339(stamp.written_at)));
  subtrees.push_back(Leaf(tree, "source", CanonicalJson(stamp.source)));
}

}  // namespace

NodePath SearchedStampPath(const RenderingOptions& options) {
  if (!options.rehai) return {};
  if (options.places.automatic) return {"rehai"};
  if (options.places.normal_prefix.empty()) return {};
  return Joined(options.places.normal_prefix, {"rehai"});
}

Rendering Render(const v1::Record& record, const RenderingOptions& options) {
  const Places& places = options.places;
  Rendering rendering;
  std::vector<Subtree> trees = Trees(record, options);
  const auto add_at = [&](const NodePath& place) {
    for (const Subtree& tree : trees) {
      rendering.subtrees.push_back({Joined(place, tree.path), tree.json});
    }
  };
  if (places.automatic) add_at({"automatic"});
  if (!places.normal_prefix.empty()) add_at(NormalPlace(places));
  for (Subtree& claim : Claims(rendering.subtrees)) {
    rendering.subtrees.push_back(std::move(claim));
  }
  if (!places.data_bag.empty()) {
    rendering.data_bag = places.data_bag;
    rendering.item = std::move(trees);
  }
  rendering.digest = Digest(rendering);
  return rendering;
}

std::vector<NodePath> StampPaths(const Rendering& rendering) {
  return StampedTrees(rendering.subtrees);
}

std::vector<Subtree> Stamped(const Rendering& rendering, const Stamp& stamp) {
  std::vector<Subtree> subtrees = rendering.subtrees;
  for (const NodePath& tree : StampPaths(rendering)) {
    AddStamp(tree, stamp, subtrees);
  }
  return subtrees;
}

std::vector<Subtree> StampedItem(const Rendering& rendering,
                                 const Stamp& stamp) {
  std::vector<Subtree> subtrees = rendering.item;
  for (const NodePath& tree : StampedTrees(rendering.item)) {
    AddStamp(tree, stamp, subtrees);
  }
  return subtrees;
}

}  // namespace rehai::chef
