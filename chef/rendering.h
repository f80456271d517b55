// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_RENDERING_H_
#define CHEF_RENDERING_H_

#include "absl/time/time.h"
#include "chef/subtree.h"
#include "rehai/v1/model.pb.h"

// What a Record looks like in a Chef node. Pure functions.
namespace rehai::chef {

// Which attribute trees to keep. One that is switched off is left alone.
struct RenderingOptions {
  bool kvm_extensions = false;   // automatic.virtualization.kvm
  bool ohai_libvirt = false;     // automatic.libvirt
  bool rehai = true;             // automatic.rehai
  bool volatile_values = false;  // CPU time, free memory
};

// The attribute trees of `record`, less what changes with each write: equal
// beliefs have equal renderings and digests.
Rendering Render(const v1::Record& record, const RenderingOptions& options);

// What to say beside a rendering when it is written.
struct Stamp {
  std::string digest;
  int64_t revision = 0;
  absl::Time observed_at;
  absl::Time written_at;
  std::string source;  // "pull qemu+ssh://hv1/system"
};

// The subtrees as they are written: `rendering` with the stamp's values in
// automatic.rehai, if that tree is one of them.
std::vector<Subtree> Stamped(const Rendering& rendering, const Stamp& stamp);

}  // namespace rehai::chef

#endif  // CHEF_RENDERING_H_
