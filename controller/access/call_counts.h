// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ACCESS_CALL_COUNTS_H_
#define CONTROLLER_ACCESS_CALL_COUNTS_H_

#include <cstdint>

namespace rehai {

// Calls of the API: those under way, and those refused since the start, by why.
struct CallCounts {
  int64_t under_way = 0;  // streams included
  int64_t streams = 0;
  int64_t over_limit = 0;
  int64_t unauthenticated = 0;
  int64_t not_permitted = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_ACCESS_CALL_COUNTS_H_
