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

// What a Record looks like in a Chef node; docs/attributes.md describes it key
// by key. Pure functions.
//
// Within automatic.rehai, content (schema, host, guests) and stamp (digest,
// revision, times, source) are subtrees of their own. So Holds(document,
// rendering.subtrees) asks exactly whether the node says what we believe, and
// Stamped() is what a write puts there.
namespace rehai::chef {

// Which attribute trees to keep. One that is switched off is left alone.
struct RenderingOptions {
  bool kvm_extensions = false;   // automatic.virtualization.kvm
  bool ohai_libvirt = false;     // automatic.libvirt
  bool rehai = true;             // automatic.rehai
  bool volatile_values = false;  // CPU time, free memory, volumes' allocation
};

// The attribute trees of `record`, less what changes with each write: equal
// beliefs have equal renderings and digests. Never throws: text that is not
// UTF-8 has U+FFFD in place of what cannot be said.
Rendering Render(const v1::Record& record, const RenderingOptions& options);

// What to say beside a rendering when it is written.
struct Stamp {
  std::string digest;
  int64_t revision = 0;
  // Infinite: not known, and not said.
  absl::Time observed_at = absl::InfinitePast();
  absl::Time written_at = absl::InfinitePast();
  std::string source;  // "pull qemu+ssh://hv1/system"
};

// The trees of `rendering` that carry a stamp: every "rehai" with something of
// ours in it.
std::vector<NodePath> StampPaths(const Rendering& rendering);

// The subtrees as they are written: those of `rendering`, and in each of
// StampPaths() the stamp's values.
std::vector<Subtree> Stamped(const Rendering& rendering, const Stamp& stamp);

}  // namespace rehai::chef

#endif  // CHEF_RENDERING_H_
