// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_BACKOFF_H_
#define BASE_BACKOFF_H_

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"

namespace rehai {

// How waits grow.
struct BackoffOptions {
  absl::Duration min = absl::Seconds(1);
  absl::Duration max = absl::Minutes(5);
  double factor = 2;
};

// The wait after `failures` failures in a row (1 = the first): exponential from
// `min`, at most `max`, and drawn evenly from its upper half, so that many who
// failed together do not come back together.
absl::Duration BackoffDelay(const BackoffOptions& options, int failures,
                            absl::BitGenRef random);

}  // namespace rehai

#endif  // BASE_BACKOFF_H_
