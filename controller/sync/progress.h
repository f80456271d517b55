// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_PROGRESS_H_
#define CONTROLLER_SYNC_PROGRESS_H_

#include "absl/time/time.h"
#include "proto/ids.h"
#include "rehai/v1/visibility.pb.h"

namespace rehai {

// A revision of a host, and with it all before it, has come this far in Chef:
// WRITTEN, VERIFIED or SEARCHABLE, which include those before them.
struct Progress {
  HostId host;
  v1::VisibilityLevel level = v1::VISIBILITY_LEVEL_UNSPECIFIED;
  Revision revision = 0;
  absl::Time at;  // by the wall clock
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_PROGRESS_H_
