// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_CPU_TIME_H_
#define TESTS_BENCH_CPU_TIME_H_

#include <sys/types.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rehai::bench {

// CPU time used so far, user and system, by all threads of this process.
absl::Duration OwnCpuTime();

// The same of the children of this process that have ended and were waited for.
absl::Duration CpuTimeOfChildren();

// The same of another process, to the hundredth of a second. kNotFound: no such
// process.
absl::StatusOr<absl::Duration> CpuTimeOf(pid_t pid);

// Waits until a process has used next to no CPU for half a second: what it
// still had to do for earlier requests is done. kDeadlineExceeded after
// `timeout`.
absl::Status AwaitQuiet(pid_t pid, absl::Duration timeout);

}  // namespace rehai::bench

#endif  // TESTS_BENCH_CPU_TIME_H_
