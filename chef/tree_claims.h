// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_TREE_CLAIMS_H_
#define CHEF_TREE_CLAIMS_H_

#include <vector>

#include "absl/types/span.h"
#include "chef/node_document.h"
#include "chef/subtree.h"

// Which trees in a node are ours, so that one that is switched off can be taken
// out. Ohai has trees of the same names, so a name alone says nothing: each
// "rehai" tree lists under "owns" the trees that were written with it, dotted.
// A chef-client save that brings Ohai's own trees takes automatic.rehai away,
// and with it the claim on them. Without a rehai tree nothing is claimed, and
// what is then switched off stays. Pure functions.
namespace rehai::chef {

// The trees that `subtrees` make up, each once: what is right below a "rehai"
// belongs to one tree, unless it is a libvirt below a prefix of that name.
std::vector<NodePath> TreesOf(absl::Span<const Subtree> subtrees);

// Of these the "rehai" ones: they carry stamps and claims.
std::vector<NodePath> StampedTrees(absl::Span<const Subtree> subtrees);

// The "owns" of each stamped tree. The list in automatic covers the normal
// attributes too, as it outlives a change of their prefix.
std::vector<Subtree> Claims(absl::Span<const Subtree> subtrees);

// Where a node that is to hold `wanted` may list what we have written: what
// TreesToRemove() reads.
std::vector<NodePath> ClaimPaths(absl::Span<const Subtree> wanted);

// The trees in `node` that we have written, by its own word, and that are not
// among `wanted`. `node` was scanned for ClaimPaths(). Only places and names
// that a rendering may have are believed, and the list within normal
// attributes, which a chef-client save leaves in place, says nothing about the
// automatic ones. A tree that something wanted lies in, or that lies in it, is
// left.
std::vector<NodePath> TreesToRemove(const ScannedNode& node,
                                    absl::Span<const Subtree> wanted);

}  // namespace rehai::chef

#endif  // CHEF_TREE_CLAIMS_H_
