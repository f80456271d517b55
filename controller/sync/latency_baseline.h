// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_LATENCY_BASELINE_H_
#define CONTROLLER_SYNC_LATENCY_BASELINE_H_

#include <optional>

#include "absl/time/time.h"

namespace rehai {

// LatencyBaseline knows how long one kind of request takes at its best, as the
// lowest mean of a window of answers. A best that is not met for a while is to
// be measured anew.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class LatencyBaseline {
 public:
  // Fewer answers make no mean.
  static constexpr int kSmallestWindow = 4;
  // The best is met by a window that is no more than so many times as slow. It
  // is good for so long without; pauses do not count, nothing is learnt in
  // them.
  static constexpr double kNearBest = 1.25;
  static constexpr absl::Duration kGoodFor = absl::Minutes(5);

  // An answer of the window under way.
  void Add(absl::Duration latency);

  // Ends the window, and begins the next. Returns its mean; nullopt if it has
  // too few answers, which then count for the next one. `measured`: the answers
  // came as quickly as the server can, so the best is this, whatever it was.
  std::optional<absl::Duration> EndWindow(bool measured, absl::Duration now);

  // Forgets the window under way.
  void StartWindow();

  // True if the best has not been met for kGoodFor.
  bool IsStale() const { return age_ >= kGoodFor; }

  // Zero if not known.
  absl::Duration best() const { return best_; }
  // Of the last answers.
  absl::Duration usual() const { return usual_; }

 private:
  absl::Duration best_;
  absl::Duration usual_;
  // How long the best has not been met, and when that was last looked at.
  absl::Duration age_;
  absl::Duration looked_at_ = -absl::InfiniteDuration();

  // The window under way.
  int answers_ = 0;
  absl::Duration sum_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_LATENCY_BASELINE_H_
