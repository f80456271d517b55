// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_MOST_WITHIN_H_
#define TESTS_BENCH_MOST_WITHIN_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/time/time.h"

namespace rehai::bench {

// The most of `times` that lie within any `span`, wherever it begins: a burst
// is not hidden by the end of a second that cuts it in two.
inline size_t MostWithin(std::vector<absl::Duration> times,
                         absl::Duration span) {
  std::sort(times.begin(), times.end());
  size_t most = 0;
  size_t first = 0;
  for (size_t last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] >= span) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

}  // namespace rehai::bench

#endif  // TESTS_BENCH_MOST_WITHIN_H_
