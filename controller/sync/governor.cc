// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/governor.h"

#include <algorithm>

namespace rehai {

Governor::Governor(const Options& options, const Clock& clock)
    : max_in_flight_(options.max_in_flight),
      // A bucket that holds one token never has two: its writes go into debt.
      entry_tokens_(std::min(kRequestsPerWrite, options.request_burst)),
      limiter_(clock, options.requests_per_second, options.request_burst) {}

absl::Duration Governor::Wait() const {
  if (in_flight() >= max_in_flight_) return absl::InfiniteDuration();
  return limiter_.Peek(entry_tokens_);
}

void Governor::Begin() {
  limiter_.Reserve(kRequestsPerWrite);
  MutexLock lock(mu_);
  ++in_flight_;
}

void Governor::End(int requests_sent) {
  // Taking less than nothing gives back; the bucket still holds no more than
  // its burst.
  limiter_.Reserve(requests_sent - kRequestsPerWrite);
  MutexLock lock(mu_);
  --in_flight_;
}

int Governor::in_flight() const {
  MutexLock lock(mu_);
  return in_flight_;
}

}  // namespace rehai
