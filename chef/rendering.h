// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_RENDERING_H_
#define CHEF_RENDERING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "chef/subtree.h"
#include "rehai/v1/model.pb.h"

// What a Record looks like in Chef; docs/attributes.md describes it key by key.
// Pure functions.
//
// Up to three trees, the same in every place: virtualization.kvm, libvirt and
// rehai. Within rehai, content (schema, host, guests, owns) and stamp (digest,
// revision, times, source) are subtrees of their own. So Holds(document,
// rendering.subtrees) asks exactly whether the node says what we believe, and
// Stamped() is what a write puts there.
//
// What is switched off is taken out of a node where it is known to be ours; see
// tree_claims.h.
namespace rehai::chef {

// Where in Chef the trees go.
struct Places {
  bool automatic = true;        // the node's automatic attributes
  NodePath normal_prefix = {};  // its normal ones below this; empty: not there
  std::string data_bag = {};    // an item of this bag; empty: not there
};

// Which trees to keep, and where.
struct RenderingOptions {
  bool kvm_extensions = false;   // virtualization.kvm
  bool ohai_libvirt = false;     // libvirt
  bool rehai = true;             // rehai
  bool volatile_values = false;  // CPU time, free memory, volumes' allocation
  Places places = {};
};

// Where a search finds the stamp in a node's merged attributes; empty if the
// options put none into nodes.
NodePath SearchedStampPath(const RenderingOptions& options);

// The attribute trees of `record`, less what changes with each write: equal
// beliefs have equal renderings and digests. Never throws: text that is not
// UTF-8 has U+FFFD in place of what cannot be said.
Rendering Render(const v1::Record& record, const RenderingOptions& options);

// What to say beside a rendering when it is written.
struct Stamp {
  std::string digest = {};
  int64_t revision = 0;
  // Infinite: not known, and not said.
  absl::Time observed_at = absl::InfinitePast();
  absl::Time written_at = absl::InfinitePast();
  std::string source = {};  // "pull qemu+ssh://hv1/system"
};

// The node's trees that carry a stamp: every "rehai" with something of ours in
// it.
std::vector<NodePath> StampPaths(const Rendering& rendering);

// The subtrees as they are written: those of the node, or of the item, and in
// each "rehai" tree the stamp's values.
std::vector<Subtree> Stamped(const Rendering& rendering, const Stamp& stamp);
std::vector<Subtree> StampedItem(const Rendering& rendering,
                                 const Stamp& stamp);

}  // namespace rehai::chef

#endif  // CHEF_RENDERING_H_
