// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/core_dumps.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "absl/strings/str_cat.h"

namespace rehai::chef {

absl::Status ForbidCoreDumps() {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("cannot forbid core dumps: ", strerror(errno)));
}

}  // namespace rehai::chef
