// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_METHOD_TABLE_H_
#define CONTROLLER_ACCESS_METHOD_TABLE_H_

#include "absl/strings/string_view.h"
#include "controller/access/role.h"

namespace rehai {

// What a method of the API asks of who calls it.
struct MethodNeeds {
  Role role = Role::kAdmin;
  // Changes something, so each call goes into the audit.
  bool is_command = true;
  // Bounds its own time; others are ended after Admission::Options::most_time.
  bool bounds_itself = false;
};

// Of a method like "Resync.Start" in the package rehai.v1. One that is in no
// row needs an admin and is audited, so that a forgotten row shuts out and does
// not let in; MethodTableTest finds it.
MethodNeeds NeedsOf(absl::string_view method);

// True if the method has a row of its own.
bool HasRow(absl::string_view method);

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_METHOD_TABLE_H_
