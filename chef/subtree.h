// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SUBTREE_H_
#define CHEF_SUBTREE_H_

#include <optional>
#include <string>
#include <vector>

namespace rehai::chef {

// One part of a node that is ours: where it is and what it should hold.
struct Subtree {
  // From the node's top: {"automatic", "virtualization", "kvm"}. Never empty.
  std::vector<std::string> path;
  // Canonical JSON: keys sorted, no spaces. nullopt: the path should not exist.
  std::optional<std::string> json;
};

// The node attributes that one Record means, and a digest to know them by.
struct Rendering {
  std::vector<Subtree> subtrees;
  // Hex SHA-256 over paths and JSON of `subtrees`. Equal digests, equal
  // content.
  std::string digest;
};

}  // namespace rehai::chef

#endif  // CHEF_SUBTREE_H_
