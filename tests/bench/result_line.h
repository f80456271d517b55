// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_RESULT_LINE_H_
#define TESTS_BENCH_RESULT_LINE_H_

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai::bench {

// How a benchmark ends: prints its result as one line of JSON to standard
// output, or why there is none to standard error. Returns the exit status.
int Finish(const absl::StatusOr<nlohmann::ordered_json>& result);

// What is going on, for who watches: a line to standard error.
void Progress(absl::string_view line);

// {"cores":..,"load_1min":..}: what figures of a shared machine are read with.
nlohmann::ordered_json Machine();

}  // namespace rehai::bench

#endif  // TESTS_BENCH_RESULT_LINE_H_
