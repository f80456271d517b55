// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/attribute_path.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "chef/rendering_facts.h"

namespace rehai {

absl::StatusOr<chef::NodePath> ParseAttributePath(const std::string& path) {
  if (path.empty()) return chef::NodePath();
  chef::NodePath keys = {""};
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 1 < path.size()) {
      keys.back() += path[++i];
    } else if (path[i] == '.') {
      keys.emplace_back();
    } else {
      keys.back() += path[i];
    }
  }
  for (const std::string& key : keys) {
    if (!key.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "path: \"", path,
        "\" has an empty key; write it as automatic.rehai.guests, a dot inside "
        "a key as \\."));
  }
  const std::string& top = keys.front();
  if (top == "rehai" || top == "libvirt" || top == "virtualization") {
    keys.insert(keys.begin(), "automatic");
  }
  return keys;
}

chef::NodePath PathOfGuest(const std::string& uuid, const std::string& name,
                           const chef::RenderingOptions& renderings) {
  chef::NodePath path = {"automatic"};
  if (!renderings.places.automatic) {
    if (renderings.places.normal_prefix.empty()) return {};
    path = {"normal"};
    const chef::NodePath& prefix = renderings.places.normal_prefix;
    path.insert(path.end(), prefix.begin(), prefix.end());
  }
  chef::NodePath tree;
  if (renderings.rehai && !uuid.empty()) {
    tree = {"rehai", "guests", uuid};
  } else if (renderings.kvm_extensions && !name.empty()) {
    tree = {"virtualization", "kvm", "guests", name};
  } else if (renderings.ohai_libvirt && !name.empty()) {
    tree = {"libvirt", "domains", name};
  } else {
    return {};
  }
  path.insert(path.end(), tree.begin(), tree.end());
  return path;
}

std::string GuestOfPath(const chef::NodePath& path,
                        const chef::RenderingOptions& renderings) {
  const auto meaning = chef::MeaningOf(path, renderings);
  return meaning.has_value() ? meaning->guest : "";
}

}  // namespace rehai
