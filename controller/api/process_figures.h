// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_PROCESS_FIGURES_H_
#define CONTROLLER_API_PROCESS_FIGURES_H_

#include <cstdint>

#include "absl/time/time.h"

namespace rehai {

// This process as the system sees it. A figure that the system does not give is
// 0.
struct ProcessFigures {
  absl::Duration cpu_time = absl::ZeroDuration();  // user and system
  int64_t resident_bytes = 0;
  int64_t open_files = 0;
};

// Reads a few lines of /proc; well under a millisecond.
ProcessFigures ReadProcessFigures();

}  // namespace rehai

#endif  // CONTROLLER_API_PROCESS_FIGURES_H_
