// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_SESSION_RATE_H_
#define CONTROLLER_SOURCE_SESSION_RATE_H_

#include <algorithm>
#include <optional>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/distributions.h"
#include "absl/time/time.h"
#include "controller/source/dial_rate.h"

namespace rehai {

// SessionRate keeps the begins of sessions to a rate. Who comes too early is
// told when to come back: in the order of arrival, spread evenly at that rate,
// so that a fleet which comes at once is in after the time that it takes, and
// each agent comes twice at most if no others come.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class SessionRate {
 public:
  // `per_second` > 0. Nobody is told to stay away for longer than `longest`: it
  // is as long as a whole fleet needs, and who keeps coming does not make it
  // grow.
  SessionRate(double per_second, absl::Duration longest)
      : rate_(per_second),
        interval_(absl::Seconds(1) / per_second),
        longest_(longest) {}

  // A session wants to begin. Nullopt: it does; else it is to come back after
  // so long.
  std::optional<absl::Duration> Begin(absl::Duration now,
                                      absl::BitGenRef random) {
    if (rate_.NextAt() <= now) {
      rate_.Take(now);
      return std::nullopt;
    }
    next_return_ = std::max(next_return_, now + kSoonest) + interval_;
    const absl::Duration wait = next_return_ - now;
    if (wait > longest_) {
      next_return_ = now + longest_;
      return longest_ * absl::Uniform(random, 0.0, 1.0) + kSoonest;
    }
    return wait + kJitter * absl::Uniform(random, 0.0, 1.0);
  }

 private:
  // Not before the burst that filled the rate is over.
  static constexpr absl::Duration kSoonest = absl::Seconds(1);
  static constexpr absl::Duration kJitter = absl::Seconds(1);

  DialRate rate_;
  absl::Duration interval_;
  absl::Duration longest_;
  absl::Duration next_return_ = -absl::InfiniteDuration();
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_SESSION_RATE_H_
