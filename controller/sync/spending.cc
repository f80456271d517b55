// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/spending.h"

#include <algorithm>

namespace rehai {

Spending::Spending(double per_second, double burst, Expectation expectation,
                   absl::Duration now)
    : per_second_(per_second),
      burst_(burst),
      expectation_(expectation),
      tokens_(burst),
      counted_at_(now) {}

double Spending::TokensAt(absl::Duration now) const {
  const double earned = absl::ToDoubleSeconds(now - counted_at_) * per_second_;
  return std::min(burst_, tokens_ + earned);
}

void Spending::Take(double tokens, absl::Duration now) {
  // Less than nothing gives back; the bucket still holds no more than its
  // burst.
  tokens_ = std::min(burst_, TokensAt(now) - tokens);
  counted_at_ = now;
}

absl::Duration Spending::Wait(absl::Duration now) const {
  const double missing = std::min(expectation_.price, burst_) - TokensAt(now);
  if (missing <= 0) return absl::ZeroDuration();
  // Rounded up, so that who waits it out does not find a hair missing.
  return absl::Ceil(absl::Seconds(missing / per_second_),
                    absl::Microseconds(1));
}

void Spending::Begin(absl::Duration now) {
  Take(expectation_.price, now);
  advanced_ += expectation_.price;
  ++under_way_;
}

void Spending::End(double price, absl::Duration now) {
  // Which of them it is does not matter: all advances are settled in the end.
  const double advance = advanced_ / under_way_;
  advanced_ -= advance;
  --under_way_;
  Take(price - advance, now);
  expectation_.price +=
      expectation_.share_of_new * (price - expectation_.price);
}

void Spending::Charge(double price, absl::Duration now) { Take(price, now); }

void Spending::SetRate(double per_second, double burst, absl::Duration now) {
  tokens_ = std::min(burst, TokensAt(now));
  counted_at_ = now;
  per_second_ = per_second;
  burst_ = burst;
}

}  // namespace rehai
