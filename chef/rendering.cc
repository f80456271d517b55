// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/rendering.h"

#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "chef/canonical_json.h"
#include "chef/rendering_trees.h"

namespace rehai::chef {
namespace {

using nlohmann::json;

std::string Sha256Hex(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

// One line for the path, one for the JSON: neither contains a line break.
std::string Digest(const std::vector<Subtree>& subtrees) {
  std::string text;
  for (const Subtree& subtree : subtrees) {
    absl::StrAppend(&text, absl::StrJoin(subtree.path, "."), "\n",
                    subtree.json.value_or(""), "\n");
  }
  return Sha256Hex(text);
}

Subtree Member(NodePath tree, std::string key, std::optional<json> value) {
  tree.push_back(std::move(key));
  Subtree subtree{std::move(tree), std::nullopt};
  if (value.has_value()) subtree.json = CanonicalJson(*value);
  return subtree;
}

std::optional<json> Rfc3339(absl::Time time) {
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture()) {
    return std::nullopt;
  }
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

}  // namespace

Rendering Render(const v1::Record& record, const RenderingOptions& options) {
  Rendering rendering;
  if (options.kvm_extensions) {
    rendering.subtrees.push_back(
        {{"automatic", "virtualization", "kvm"},
         CanonicalJson(KvmExtensionsTree(record, options.volatile_values))});
  }
  if (options.ohai_libvirt) {
    rendering.subtrees.push_back(
        {{"automatic", "libvirt"},
         CanonicalJson(OhaiLibvirtTree(record, options.volatile_values))});
  }
  if (options.rehai) {
    const NodePath tree = {"automatic", "rehai"};
    rendering.subtrees.push_back(Member(tree, "schema", json(kRehaiSchema)));
    rendering.subtrees.push_back(
        Member(tree, "host", RehaiHostTree(record.facts())));
    rendering.subtrees.push_back(
        Member(tree, "guests", RehaiGuestsTree(record)));
  }
  rendering.digest = Digest(rendering.subtrees);
  return rendering;
}

std::vector<NodePath> StampPaths(const Rendering& rendering) {
  std::vector<NodePath> stamps;
  for (const Subtree& subtree : rendering.subtrees) {
    NodePath tree(subtree.path.begin(), subtree.path.end() - 1);
    if (!tree.empty() && tree.back() == "rehai" &&
        std::find(stamps.begin(), stamps.end(), tree) == stamps.end()) {
      stamps.push_back(std::move(tree));
    }
  }
  return stamps;
}

std::vector<Subtree> Stamped(const Rendering& rendering, const Stamp& stamp) {
  std::vector<Subtree> subtrees = rendering.subtrees;
  for (const NodePath& tree : StampPaths(rendering)) {
    subtrees.push_back(Member(tree, "digest", json(stamp.digest)));
    subtrees.push_back(Member(tree, "revision", json(stamp.revision)));
    subtrees.push_back(Member(tree, "observed_at", Rfc3339(stamp.observed_at)));
    subtrees.push_back(Member(tree, "written_at", Rfc3339(stamp.written_at)));
    subtrees.push_back(Member(tree, "source", json(stamp.source)));
  }
  return subtrees;
}

}  // namespace rehai::chef
