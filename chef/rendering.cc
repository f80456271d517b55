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

Subtree RehaiSubtree(std::string key, std::optional<json> value) {
  Subtree subtree{{"automatic", "rehai", std::move(key)}, std::nullopt};
  if (value.has_value()) subtree.json = CanonicalJson(*value);
  return subtree;
}

bool IsRehaiSubtree(const Subtree& subtree) {
  return subtree.path.size() == 3 && subtree.path[0] == "automatic" &&
         subtree.path[1] == "rehai";
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
    rendering.subtrees.push_back(RehaiSubtree("schema", json(kRehaiSchema)));
    rendering.subtrees.push_back(
        RehaiSubtree("host", RehaiHostTree(record.facts())));
    rendering.subtrees.push_back(
        RehaiSubtree("guests", RehaiGuestsTree(record)));
  }
  rendering.digest = Digest(rendering.subtrees);
  return rendering;
}

std::vector<Subtree> Stamped(const Rendering& rendering, const Stamp& stamp) {
  std::vector<Subtree> subtrees = rendering.subtrees;
  if (std::none_of(subtrees.begin(), subtrees.end(), IsRehaiSubtree)) {
    return subtrees;
  }
  subtrees.push_back(RehaiSubtree("digest", json(stamp.digest)));
  subtrees.push_back(RehaiSubtree("revision", json(stamp.revision)));
  subtrees.push_back(RehaiSubtree("observed_at", Rfc3339(stamp.observed_at)));
  subtrees.push_back(RehaiSubtree("written_at", Rfc3339(stamp.written_at)));
  subtrees.push_back(RehaiSubtree("source", json(stamp.source)));
  return subtrees;
}

}  // namespace rehai::chef
