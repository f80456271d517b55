// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SPENDING_H_
#define CONTROLLER_SYNC_SPENDING_H_

#include "absl/time/time.h"

namespace rehai {

// Spending keeps writes within a budget of something whose price is known only
// when a write has ended: a token bucket from which each write takes what it is
// expected to cost when it begins, and what it did cost in the end. A bucket in
// debt is waited out.
//
// A write that is dearer than a whole burst waits for a full bucket and goes.
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class Spending {
 public:
  // How the expected price follows those paid.
  struct Expectation {
    double price;         // of the first write
    double share_of_new;  // in 0 to 1; 0 never moves
  };

  // Starts with a full bucket. `per_second` and `burst` > 0.
  Spending(double per_second, double burst, Expectation expectation,
           absl::Duration now);

  // The wait before Begin(): zero if it may be called now.
  absl::Duration Wait(absl::Duration now) const;

  void Begin(absl::Duration now);
  // One of the writes that have begun ended at this price.
  void End(double price, absl::Duration now);
  // Something that was not begun has cost this.
  void Charge(double price, absl::Duration now);

  // What was saved up stays, within the new burst.
  void SetRate(double per_second, double burst, absl::Duration now);

 private:
  double TokensAt(absl::Duration now) const;
  void Take(double tokens, absl::Duration now);

  double per_second_;
  double burst_;
  Expectation expectation_;

  double tokens_;
  absl::Duration counted_at_;
  // Taken by writes under way, and their number.
  double advanced_ = 0;
  int under_way_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SPENDING_H_
