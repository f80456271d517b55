// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_NODE_NAME_H_
#define CHEF_NODE_NAME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rehai::chef {

// kInvalidArgument unless Chef takes it for a node's name: letters, digits and
// . _ : - only. Such a name needs no encoding in a URL, so the path that is
// signed is the path that is sent.
absl::Status CheckNodeName(absl::string_view name);

}  // namespace rehai::chef

#endif  // CHEF_NODE_NAME_H_
