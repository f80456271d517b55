// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_SCHEDULER_H_
#define TESTS_SIM_SCHEDULER_H_

#include <cstdint>
#include <map>
#include <random>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"

namespace rehai::sim {

// What happens by chance in a run. The same seed makes the same run.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}

  uint64_t Roll() { return random_(); }
  // From 0 to `count` - 1.
  int Pick(int count) {
    return static_cast<int>(random_() % static_cast<uint64_t>(count));
  }
  bool Chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1p-53 < probability;
  }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    const int64_t span = absl::ToInt64Microseconds(most - least);
    return least + absl::Microseconds(random_() % (span + 1));
  }

 private:
  std::mt19937_64 random_;
};

// Virtual time and what is to happen in it, in the order of its moments; at
// one moment in the order in which it was asked for. Not thread-safe.
class Scheduler {
 public:
  using Event = absl::AnyInvocable<void()>;

  FakeClock& clock() { return clock_; }
  absl::Duration now() const { return clock_.Uptime(); }

  void At(absl::Duration time, Event event) {
    events_.emplace(std::make_pair(std::max(time, now()), ++last_),
                    std::move(event));
  }
  void After(absl::Duration wait, Event event) {
    At(now() + wait, std::move(event));
  }

  // Infinite: nothing.
  absl::Duration NextAt() const {
    return events_.empty() ? absl::InfiniteDuration()
                           : events_.begin()->first.first;
  }
  void AdvanceTo(absl::Duration time) {
    if (time > now()) clock_.Advance(time - now());
  }
  // Does what is next, if that is due.
  bool RunOne() {
    if (NextAt() > now()) return false;
    Event event = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    event();
    return true;
  }
  void Clear() { events_.clear(); }

 private:
  FakeClock clock_;
  std::map<std::pair<absl::Duration, int64_t>, Event> events_;
  int64_t last_ = 0;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_SCHEDULER_H_
