// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_RENDERING_TREES_H_
#define CHEF_RENDERING_TREES_H_

#include <string>

#include "rehai/v1/model.pb.h"

// The attribute trees that Render() puts together, one file each, as canonical
// JSON. docs/attributes.md lists their keys. Pure functions; what is not known
// is left out, unless noted. Of guests with the same key the last is told.
namespace rehai::chef {

// automatic.virtualization.kvm, as the Ohai plugin kvm_extensions makes it from
// virsh's output.
std::string KvmExtensionsTree(const v1::Record& record, bool volatile_values);

// automatic.libvirt, as Ohai's own libvirt plugin makes it: active guests,
// networks and pools only.
std::string OhaiLibvirtTree(const v1::Record& record, bool volatile_values);

// Of automatic.rehai, version kRehaiSchema: what the host is, and its guests by
// UUID. Never volatile.
inline constexpr int kRehaiSchema = 1;
std::string RehaiHostTree(const v1::HostFacts& facts);
std::string RehaiGuestsTree(const v1::Record& record);

}  // namespace rehai::chef

#endif  // CHEF_RENDERING_TREES_H_
