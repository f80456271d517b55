// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/backoff.h"

#include <algorithm>
#include <cmath>

#include "absl/random/distributions.h"

namespace rehai {

absl::Duration BackoffDelay(const BackoffOptions& options, int failures,
                            absl::BitGenRef random) {
  const double growth = std::pow(options.factor, std::max(failures, 1) - 1);
  const double whole = std::min(absl::ToDoubleSeconds(options.min) * growth,
                                absl::ToDoubleSeconds(options.max));
  return absl::Seconds(absl::Uniform(random, whole / 2, whole));
}

}  // namespace rehai
