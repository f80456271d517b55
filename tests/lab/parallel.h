// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_PARALLEL_H_
#define TESTS_LAB_PARALLEL_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace rehai::lab {

// Calls `work` with each of 0 ... count - 1, `threads` at a time, in about that
// order; returns when all calls have. After an error no more calls are begun,
// and the first one is returned.
absl::Status ForEachInParallel(int count, int threads,
                               absl::FunctionRef<absl::Status(int)> work);

}  // namespace rehai::lab

#endif  // TESTS_LAB_PARALLEL_H_
