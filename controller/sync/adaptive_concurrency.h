// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_ADAPTIVE_CONCURRENCY_H_
#define CONTROLLER_SYNC_ADAPTIVE_CONCURRENCY_H_

#include <optional>

#include "absl/time/time.h"

namespace rehai {

// AdaptiveConcurrency finds how many writes at once a server takes well:
// additive increase, multiplicative decrease. A window of answers that came in
// good time allows one more; an overload, or a window whose answers took
// several times as long as the server needs at its best, halves the number. It
// is never more than a maximum, and never less than one.
//
// The server's best is the lowest mean of a window. When none has come near it
// for a while, it is measured anew by one window of one write at a time: so a
// server that has become slower for good is known as that, and one that we keep
// busy is not.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class AdaptiveConcurrency {
 public:
  // Answers in a window: as many as go at once, but so many at least.
  static constexpr int kSmallestWindow = 4;
  // Slow is: so many times the best, and more than a floor below which no
  // server is in trouble.
  static constexpr double kSlowFactor = 3;
  static constexpr absl::Duration kSlowFloor = absl::Milliseconds(50);
  // The best is good for so long; it is confirmed by a window that is no more
  // than so many times as slow.
  static constexpr absl::Duration kBestGoodFor = absl::Minutes(5);
  static constexpr double kNearBest = 1.25;

  // Starts with `max` >= 1.
  explicit AdaptiveConcurrency(int max) : max_(max), limit_(max) {}

  int limit() const { return measuring_ ? 1 : limit_; }

  // A write ended well, its requests having taken so long in the mean; nullopt
  // if that is not known. `in_flight`: the others under way.
  void OnGoodAnswer(std::optional<absl::Duration> latency, int in_flight,
                    absl::Duration now);
  // A write ended because the server has too much to do.
  void OnOverload(int in_flight);

  // Starts again with one, as with a server that has just come back.
  void StartOver();

  void SetMax(int max);

  // Of late, and at its best; zero if not known.
  absl::Duration latency() const { return latency_; }
  absl::Duration best_latency() const { return best_; }

 private:
  // True if the write that ended had begun before the limit fell: it tells
  // nothing of what came after.
  bool IsFromBefore();
  void EndWindow(int in_flight, absl::Duration now);
  // False if it is to be measured anew.
  bool KnowsBest(absl::Duration mean, absl::Duration now);
  void Halve(int in_flight);
  // What was under way before does not belong to it.
  void StartWindow(int in_flight);

  int max_;
  int limit_;
  // The best is being measured, one write at a time.
  bool measuring_ = false;
  // Writes under way that had begun before the limit fell.
  int from_before_ = 0;

  // The window under way: its answers, of these those with a latency, and these
  // latencies' sum.
  int answers_ = 0;
  int timed_ = 0;
  absl::Duration sum_;

  absl::Duration latency_;
  absl::Duration best_;
  // How long it has not been met, and when that was last looked at.
  absl::Duration best_age_;
  absl::Duration looked_at_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_ADAPTIVE_CONCURRENCY_H_
