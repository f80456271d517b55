// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_RENDERING_FACTS_H_
#define CHEF_RENDERING_FACTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "chef/rendering.h"
#include "chef/subtree.h"

// Which field of a Record each attribute shows. Pure functions.
namespace rehai::chef {

// What an attribute path means to the renderings.
struct AttributeMeaning {
  // What switches it on: "kvm_extensions", "ohai_libvirt" or "rehai".
  std::string rendering;
  // It is switched on, and goes to this place.
  bool is_on = false;
  // It is written with each write and is no part of what is compared.
  bool is_stamp = false;
  // A rendering has such an attribute, though not of every record.
  bool is_known = false;
  // The Record's field, "guests[web01].state"; several, with commas, where it
  // is made of more than one. Of an attribute that no rendering has: of what it
  // is in. Empty for the top of a tree.
  std::string field;
  // The guest that it is about, by its UUID or its name; empty if about none.
  std::string guest;
  // It shows on volatile values only (RenderingOptions::volatile_values).
  bool is_volatile = false;
};

// `path` from the node's top. nullopt: no rendering has anything to do with it.
std::optional<AttributeMeaning> MeaningOf(const NodePath& path,
                                          const RenderingOptions& options);

// For tests: the patterns of all rows, as "kvm_extensions guests/*/State".
std::vector<std::string> FactRows();
// The row that a path falls under, written so; empty if none.
std::string FactRowOf(absl::string_view rendering, const NodePath& in_tree);

}  // namespace rehai::chef

#endif  // CHEF_RENDERING_FACTS_H_
