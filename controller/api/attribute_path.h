// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_ATTRIBUTE_PATH_H_
#define CONTROLLER_API_ATTRIBUTE_PATH_H_

#include <string>

#include "absl/status/statusor.h"
#include "chef/rendering.h"
#include "chef/subtree.h"

// Paths of attributes as people write them, and where guests are among them.
// Pure.
namespace rehai {

// The keys of a dotted path, "\." being a dot inside a key. A path that begins
// with a tree of ours ("rehai", "libvirt", "virtualization") is taken to be
// automatic. kInvalidArgument: a key is empty.
absl::StatusOr<chef::NodePath> ParseAttributePath(const std::string& path);

// Where a guest is shown; empty if no rendering shows guests. `uuid` and
// `name`: one may be empty, where it is not known.
chef::NodePath PathOfGuest(const std::string& uuid, const std::string& name,
                           const chef::RenderingOptions& renderings);

// The guest that a path is about, by its UUID or its name; empty: none.
std::string GuestOfPath(const chef::NodePath& path,
                        const chef::RenderingOptions& renderings);

}  // namespace rehai

#endif  // CONTROLLER_API_ATTRIBUTE_PATH_H_
