// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_EXPLAIN_H_
#define CONTROLLER_API_EXPLAIN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/rendering.h"
#include "chef/subtree.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/explain.pb.h"
#include "rehai/v1/model.pb.h"

// Why a node holds what it holds. Pure.
namespace rehai {

// All that an explanation is made from.
struct ExplainFacts {
  HostId host;
  RecordPtr record;  // null: the fleet has no such host
  chef::RenderingOptions renderings;
  // The node as the server sends it, or why it could not be read.
  absl::StatusOr<std::string> document = absl::UnknownError("not read");
  v1::SyncStatus sync;
  absl::Time next_check_at = absl::InfiniteFuture();  // infinite: none
  // The guest that is asked about, by its UUID or its name; empty: none. And
  // where there is such a guest, on whatever host.
  std::string guest = {};
  std::vector<GuestLocation> places = {};
};

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

// `path` with keys that belong together joined, as "web01.example.com", where
// the node or what we would write has such a key.
chef::NodePath Joined(const chef::NodePath& path, const ExplainFacts& facts);

// Explains what is at `path`; empty: the node as a whole.
v1::Explanation ExplainAttribute(const chef::NodePath& path,
                                 const ExplainFacts& facts);

}  // namespace rehai

#endif  // CONTROLLER_API_EXPLAIN_H_
