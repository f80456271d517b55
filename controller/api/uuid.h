// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_UUID_H_
#define CONTROLLER_API_UUID_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/ids.h"

namespace rehai {

// The guest whose UUID is written as 8-4-4-4-12 hexadecimal digits in either
// case. kInvalidArgument: it is not.
absl::StatusOr<GuestId> ParseGuestId(absl::string_view text);

}  // namespace rehai

#endif  // CONTROLLER_API_UUID_H_
