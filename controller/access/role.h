// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_ROLE_H_
#define CONTROLLER_ACCESS_ROLE_H_

#include <optional>

#include "absl/strings/string_view.h"

namespace rehai {

// What somebody may do with the API. Each may do what those before it may.
enum class Role {
  kNone,
  kReader,    // asks
  kOperator,  // commands: resyncs, redials
  kAdmin,     // overrules what protects the fleet and Chef
};

// "none", "reader", "operator", "admin", as the configuration has them.
absl::string_view RoleName(Role role);
std::optional<Role> ParseRole(absl::string_view name);

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_ROLE_H_
