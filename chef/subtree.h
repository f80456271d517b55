// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SUBTREE_H_
#define CHEF_SUBTREE_H_

#include <optional>
#include <string>
#include <vector>

namespace rehai::chef {

// Keys from a node's top: {"automatic", "virtualization", "kvm"}.
using NodePath = std::vector<std::string>;

// One part of a node that is ours: where it is and what it should hold.
struct Subtree {
  NodePath path;  // never empty
  // Canonical JSON: keys sorted, no spaces. nullopt: the path should not exist.
  std::optional<std::string> json;
};

// The attributes that one Record means, and a digest to know them by.
struct Rendering {
  // Of the node.
  std::vector<Subtree> subtrees;
  // Of the host's item in this data bag, from the item's top; no bag, no item.
  std::string data_bag = {};
  std::vector<Subtree> item = {};
  // Hex SHA-256 over all paths and JSON. Equal digests, equal content.
  std::string digest = {};
};

}  // namespace rehai::chef

#endif  // CHEF_SUBTREE_H_
