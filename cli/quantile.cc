// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/quantile.h"

#include <algorithm>

namespace rehai::cli {

std::optional<absl::Duration> Quantile(const v1::Histogram& histogram,
                                       double share) {
  if (histogram.count() <= 0) return std::nullopt;
  const double rank = share * static_cast<double>(histogram.count());
  double lower_bound = 0;
  double below = 0;  // values up to lower_bound
  const int buckets =
      std::min(histogram.bounds_size(), histogram.cumulative_counts_size());
  for (int i = 0; i < buckets; ++i) {
    const auto up_to = static_cast<double>(histogram.cumulative_counts(i));
    const double bound = histogram.bounds(i);
    if (up_to >= rank && up_to > below) {
      return absl::Seconds(lower_bound + (bound - lower_bound) *
                                             (rank - below) / (up_to - below));
    }
    lower_bound = bound;
    below = up_to;
  }
  return absl::InfiniteDuration();
}

}  // namespace rehai::cli
