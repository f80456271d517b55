// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_EXPLAIN_H_
#define CONTROLLER_API_EXPLAIN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

// `path` with keys that belong together joined, as "web01.example.com", where
// the node or what we would write has such a key.
chef::NodePath Joined(const chef::NodePath& path, const ExplainFacts& facts);

// Explains what is at `path`; empty: the node as a whole.
v1::Explanation ExplainAttribute(const chef::NodePath& path,
                                 const ExplainFacts& facts);

}  // namespace rehai

#endif  // CONTROLLER_API_EXPLAIN_H_
