// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/latencies.h"

#include <algorithm>
#include <cmath>

namespace rehai::bench {
namespace {

absl::Duration NearestRank(const std::vector<absl::Duration>& sorted,
                           double percent) {
  if (sorted.empty()) return absl::ZeroDuration();
  const double rank = std::ceil(percent / 100 * sorted.size());
  const double last = static_cast<double>(sorted.size()) - 1;
  return sorted[static_cast<size_t>(std::clamp(rank - 1, 0.0, last))];
}

}  // namespace

void Latencies::Add(const Latencies& more) {
  measured_.insert(measured_.end(), more.measured_.begin(),
                   more.measured_.end());
}

absl::Duration Latencies::Percentile(double percent) const {
  std::vector<absl::Duration> sorted = measured_;
  std::sort(sorted.begin(), sorted.end());
  return NearestRank(sorted, percent);
}

nlohmann::ordered_json Latencies::ToJson() const {
  std::vector<absl::Duration> sorted = measured_;
  std::sort(sorted.begin(), sorted.end());
  return {{"count", sorted.size()},
          {"min", RoundedMilliseconds(NearestRank(sorted, 0))},
          {"p50", RoundedMilliseconds(NearestRank(sorted, 50))},
          {"p99", RoundedMilliseconds(NearestRank(sorted, 99))},
          {"max", RoundedMilliseconds(NearestRank(sorted, 100))}};
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

double Rounded(double value) { return std::round(value * 1000) / 1000; }

double RoundedMilliseconds(absl::Duration duration) {
  return Rounded(absl::ToDoubleMilliseconds(duration));
}

}  // namespace rehai::bench
