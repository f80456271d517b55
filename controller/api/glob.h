// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_GLOB_H_
#define CONTROLLER_API_GLOB_H_

#include "absl/strings/string_view.h"

namespace rehai {

// True if the whole of `text` is as the pattern says: * stands for any
// characters or none, ? for one byte, everything else for itself. Takes time in
// the product of the lengths at worst, never more.
bool GlobMatches(absl::string_view pattern, absl::string_view text);

}  // namespace rehai

#endif  // CONTROLLER_API_GLOB_H_
