// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_LATENCIES_H_
#define TESTS_BENCH_LATENCIES_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/time/time.h"

namespace rehai::bench {

// Durations as they were measured: all of them, since a benchmark measures
// thousands at most, so a percentile is one that did occur and not an estimate.
// A value type.
class Latencies {
 public:
  void Add(absl::Duration latency) { measured_.push_back(latency); }
  void Add(const Latencies& more);

  size_t count() const { return measured_.size(); }

  // The shortest measured latency that at least `percent` of all do not exceed
  // (nearest rank): 0 is the shortest of all, 100 the longest. Zero if nothing
  // was measured.
  absl::Duration Percentile(double percent) const;

  // {"count":..,"min":..,"p50":..,"p99":..,"max":..}, in milliseconds.
  nlohmann::ordered_json ToJson() const;

 private:
  std::vector<absl::Duration> measured_;
};

// The middle value, or the mean of the two middle ones. 0 if there is none.
double Median(std::vector<double> values);

// To the thousandth: what a clock under a scheduler can tell, and short to
// read.
double Rounded(double value);
double RoundedMilliseconds(absl::Duration duration);

}  // namespace rehai::bench

#endif  // TESTS_BENCH_LATENCIES_H_
