// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_COST_H_
#define CHEF_NODE_COST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai::chef {

struct PathBytes {
  std::string path;   // dotted, as in PathDifference
  int64_t bytes = 0;  // from the key to the value's end
};

// The biggest paths of a node, biggest first: those with at least a hundredth
// of its bytes, at most `count`. kInvalidArgument if `document` is not one
// well-formed JSON object. Pure.
absl::StatusOr<std::vector<PathBytes>> BiggestPaths(absl::string_view document,
                                                    int count);

}  // namespace rehai::chef

#endif  // CHEF_NODE_COST_H_
