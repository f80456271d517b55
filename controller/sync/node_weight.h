// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_NODE_WEIGHT_H_
#define CONTROLLER_SYNC_NODE_WEIGHT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "chef/rendering.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {

// How heavy a node is, by path, and which of that is `rendering`'s: all of the
// answer but the node's name, the limit and the causes. kInvalidArgument if
// `document` is not one well-formed JSON object. Pure.
absl::StatusOr<v1::ChefCostResponse> WeighNode(
    absl::string_view document, const chef::Rendering& rendering);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_NODE_WEIGHT_H_
