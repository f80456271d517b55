// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_DURATION_HISTOGRAM_H_
#define CONTROLLER_SOURCE_DURATION_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// How long something took, over all times it was done: from 1 ms to 60 s in
// steps of 2 to 2.5. A plain value, not thread-safe.
class DurationHistogram {
 public:
  void Add(absl::Duration duration);

  v1::Histogram ToProto() const;

 private:
  static constexpr std::array<double, 15> kBounds = {
      0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
      0.5,   1,     2,     5,    10,   30,   60};  // seconds

  // Each by its own bound; the last are those above all bounds.
  std::array<int64_t, kBounds.size() + 1> counts_ = {};
  double sum_seconds_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_DURATION_HISTOGRAM_H_
