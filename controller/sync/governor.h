// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_GOVERNOR_H_
#define CONTROLLER_SYNC_GOVERNOR_H_

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/rate_limiter.h"

namespace rehai {

// Governor says when the next write to Chef may begin, so that requests stay
// within a rate and writes within a number. It never sleeps: it says how long
// to wait.
//
// A write is paid for as a GET and a PUT before it begins, and gets back what
// it did not send: the server never sees more than the burst plus the rate.
//
// End() is thread-safe; Wait() and Begin() are for one thread, which sees
// places only become free between the two.
class Governor {
 public:
  struct Options {
    double requests_per_second = 50;  // > 0
    int request_burst = 100;          // >= 1
    int max_in_flight = 8;            // >= 1
  };

  static constexpr int kRequestsPerWrite = 2;

  // `clock` must outlive the governor.
  Governor(const Options& options, const Clock& clock);

  // The wait before Begin(): zero if it may be called now, infinite if an End()
  // must come first.
  absl::Duration Wait() const;

  // A write begins.
  void Begin();

  // A write ended, having sent that many requests.
  void End(int requests_sent);

  int in_flight() const;

 private:
  // Set at construction.
  const int max_in_flight_;
  // What must be in the bucket before a write begins.
  const double entry_tokens_;

  RateLimiter limiter_;

  mutable Mutex mu_;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_GOVERNOR_H_
