// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_GOVERNOR_H_
#define CONTROLLER_SYNC_GOVERNOR_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/node_writer.h"
#include "controller/sync/adaptive_concurrency.h"
#include "controller/sync/server_limits.h"
#include "controller/sync/spending.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {

// Governor says when the next write to Chef may begin, so that the server is
// never asked more than ServerLimits allow, and less when it does not take that
// well. It never sleeps: it says how long to wait.
//
// - Requests and bytes keep to a rate, after a burst. A write is paid for when
//   it begins, as what it is expected to cost, and settled when it ends.
// - The server is busy for us for no more than its share of the time of
//   max_in_flight nodes at once: a server that answers slower is asked less.
// - As many writes are under way as it takes in good time; see
//   AdaptiveConcurrency.
// - Nothing begins before the time that the server asked for (Retry-After).
//
// Thread-safe. Leaf lock. Wait() and Begin() are for one thread, which sees
// places only become free between the two, SetLimits() aside.
class Governor {
 public:
  // How a write ended, as far as the server's load goes. None: it went well.
  // Overloaded: 429, 503, or no answer in time. Unclear: it failed otherwise (a
  // 404 and a 500 are quick, whatever the load).
  enum class Pressure { kNone, kOverloaded, kUnclear };

  static constexpr int kRequestsPerWrite = 2;
  // A server cannot silence us for longer than this at a time.
  static constexpr absl::Duration kLongestRetryAfter = absl::Minutes(10);
  // What the server's share may be saved up for.
  static constexpr absl::Duration kShareBurst = absl::Seconds(4);

  // `limits` are valid. `clock` must outlive the governor.
  Governor(const ServerLimits& limits, const Clock& clock);

  // The wait before Begin(): zero if it may be called now, infinite if an End()
  // must come first. Ask when something is due: the time from here to its
  // beginning counts as held back.
  absl::Duration Wait();

  // A write begins; or another look at one node.
  void Begin();

  // What has begun ended.
  void End(const chef::RequestCost& cost, Pressure pressure);

  // Something has been asked of the server that was not begun here: a search.
  void Charge(const chef::RequestCost& cost);

  // The server is in trouble, or back from it: one write at first, then more,
  // so that all that has waited does not run it over.
  void StartOver();

  // From now on. `limits` are valid.
  void SetLimits(const ServerLimits& limits);
  ServerLimits limits() const;

  int in_flight() const;

  // Fills limits, in_flight, concurrency, latency, best_latency, not_before,
  // held_back_seconds, requests, bytes_sent and bytes_received.
  void FillStatus(v1::ChefStatus& status) const;

 private:
  // What can hold a write back.
  enum class Limit { kRequests, kBytes, kShare, kConcurrency, kServer };
  static constexpr size_t kLimitCount = 5;
  static const char* NameOf(Limit limit);

  // What holds the next write back longest, and until when.
  struct Held {
    Limit by = Limit::kRequests;
    absl::Duration wait = absl::ZeroDuration();
  };

  Held FindHeld(absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Adds the time since the last look to what held a write back then.
  void CountHeld(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What the end of a write tells of the server's load.
  void LearnPressure(const chef::RequestCost& cost, Pressure pressure,
                     absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What every answer tells.
  void Learn(const chef::RequestCost& cost, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction.
  const Clock& clock_;

  mutable Mutex mu_;
  ServerLimits limits_ ABSL_GUARDED_BY(mu_);
  Spending requests_ ABSL_GUARDED_BY(mu_);
  Spending bytes_ ABSL_GUARDED_BY(mu_);
  Spending share_ ABSL_GUARDED_BY(mu_);  // in the server's busy seconds
  AdaptiveConcurrency concurrency_ ABSL_GUARDED_BY(mu_);
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration not_before_ ABSL_GUARDED_BY(mu_);

  // What held a write back at the last look, and since when.
  Held held_ ABSL_GUARDED_BY(mu_);
  absl::Duration held_since_ ABSL_GUARDED_BY(mu_);
  std::array<absl::Duration, kLimitCount> held_back_ ABSL_GUARDED_BY(mu_);

  int64_t requests_sent_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_sent_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_received_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_GOVERNOR_H_
