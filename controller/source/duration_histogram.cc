// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/duration_histogram.h"

#include <algorithm>

namespace rehai {

void DurationHistogram::Add(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++counts_[static_cast<size_t>(bound - kBounds.begin())];
  sum_seconds_ += seconds;
}

v1::Histogram DurationHistogram::ToProto() const {
  v1::Histogram histogram;
  int64_t so_far = 0;
  for (size_t i = 0; i < kBounds.size(); ++i) {
    so_far += counts_[i];
    histogram.add_bounds(kBounds[i]);
    histogram.add_cumulative_counts(so_far);
  }
  histogram.set_count(so_far + counts_.back());
  histogram.set_sum_seconds(sum_seconds_);
  return histogram;
}

}  // namespace rehai
