// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_ADAPTIVE_CONCURRENCY_H_
#define CONTROLLER_SYNC_ADAPTIVE_CONCURRENCY_H_

#include <array>
#include <cstddef>
#include <optional>

#include "absl/time/time.h"
#include "controller/sync/latency_baseline.h"

namespace rehai {

// AdaptiveConcurrency finds how many writes at once a server takes well:
// additive increase, multiplicative decrease. A window of answers that came in
// good time allows one more; an overload, or a window whose answers took
// several times as long as the server needs at its best, halves the number. It
// is never more than a maximum, and never less than one.
//
// When the server's best has not been met for a while, it is measured anew by
// one window of one write at a time: so a server that has become slower for
// good is known as that, and one that only we keep busy is not.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class AdaptiveConcurrency {
 public:
  // A PUT may take many times as long as a GET, and is no sign of trouble.
  enum class Kind { kCheck, kWrite };

  // Slow is: so many times the best of its kind, and more than a floor below
  // which no server is in trouble.
  static constexpr double kSlowFactor = 3;
  static constexpr absl::Duration kSlowFloor = absl::Milliseconds(50);

  // Starts with `max` >= 1.
  explicit AdaptiveConcurrency(int max) : max_(max), limit_(max) {}

  int limit() const { return measuring_ ? 1 : limit_; }

  // A write ended well, its requests having taken so long in the mean; nullopt
  // if that is not known. `in_flight`: the others under way.
  void OnGoodAnswer(Kind kind, std::optional<absl::Duration> latency,
                    int in_flight, absl::Duration now);
  // A write ended because the server has too much to do.
  void OnOverload(int in_flight);

  // A write ended in a way that says nothing of the server's load.
  void OnUnclearAnswer() { IsFromBefore(); }

  // Starts again with one, as with a server that has just come back.
  void StartOver();

  void SetMax(int max);

  // Of the kind that was answered last; zero if not known.
  absl::Duration latency() const { return Of(last_).usual(); }
  absl::Duration best_latency() const { return Of(last_).best(); }

 private:
  const LatencyBaseline& Of(Kind kind) const {
    return baselines_[static_cast<size_t>(kind)];
  }
  // True if the write that ended had begun before the limit fell: it tells
  // nothing of what came after.
  bool IsFromBefore();
  void EndWindow(int in_flight, absl::Duration now);
  void Halve(int in_flight);
  // What was under way before does not belong to what comes.
  void StartAfresh(int in_flight);

  int max_;
  int limit_;
  // The best is being measured, one write at a time.
  bool measuring_ = false;
  // Writes under way that had begun before the limit fell.
  int from_before_ = 0;
  int answers_ = 0;  // of the window under way

  std::array<LatencyBaseline, 2> baselines_;  // by kind
  Kind last_ = Kind::kWrite;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_ADAPTIVE_CONCURRENCY_H_
