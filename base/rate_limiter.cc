// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/rate_limiter.h"

#include <algorithm>

namespace rehai {

RateLimiter::RateLimiter(const Clock& clock, double per_second, double burst)
    : clock_(clock),
      per_second_(per_second),
      burst_(burst),
      tokens_(burst),
      counted_at_(clock.Uptime()) {}

double RateLimiter::TokensNow() const {
  const double earned =
      absl::ToDoubleSeconds(clock_.Uptime() - counted_at_) * per_second_;
  return std::min(burst_, tokens_ + earned);
}

absl::Duration RateLimiter::WaitFor(double tokens_left) const {
  return tokens_left >= 0 ? absl::ZeroDuration()
                          : absl::Seconds(-tokens_left / per_second_);
}

absl::Duration RateLimiter::Reserve(double tokens) {
  MutexLock lock(mu_);
  tokens_ = TokensNow() - tokens;
  counted_at_ = clock_.Uptime();
  return WaitFor(tokens_);
}

absl::Duration RateLimiter::Peek(double tokens) const {
  MutexLock lock(mu_);
  return WaitFor(TokensNow() - tokens);
}

}  // namespace rehai
