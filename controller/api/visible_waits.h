// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_VISIBLE_WAITS_H_
#define CONTROLLER_API_VISIBLE_WAITS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "controller/api/visible_guest.h"
#include "proto/ids.h"
#include "rehai/v1/visibility.pb.h"

namespace rehai {

// VisibleWaits holds the calls that wait until a guest is visible in Chef.
//
// - A call is answered as soon as what it waits for is so, or when its time is
//   over, then with how far it has come.
// - At most Options::most wait at once, of which those do not count whose
//   callers have gone.
// - While somebody waits for a search only, sweeps are brought forward, the
//   longer it takes the more rarely.
//
// Thread-safe. Owns one thread, between Start() and Stop(), which looks at the
// calls and answers them; no call has a thread of its own. Leaf lock.
class VisibleWaits {
 public:
  struct Options {
    size_t most = 1000;
    // For what no listener tells of, as a guest that another host shows better;
    // and to forget those who have gone.
    absl::Duration look_again = absl::Seconds(1);
    // Between sweeps that somebody waits for.
    BackoffOptions sweeps = {
        .min = absl::Seconds(1), .max = absl::Seconds(15), .factor = 2};
  };

  // How a wait ends, once: on the thread, on that of Add(), or that of Stop().
  using Done =
      absl::AnyInvocable<void(absl::StatusOr<v1::WaitVisibleResponse>)>;
  // What has become of what is waited for.
  using Look = std::function<VisibleLook(const v1::WaitVisibleRequest&)>;

  struct Counts {
    int64_t waiting = 0;
    // Since the controller's start.
    int64_t answered = 0;
    int64_t expired = 0;
    int64_t refused = 0;
  };

  // `look` is called by the thread and by those of Add(), outside the lock;
  // `sweep_soon` by the thread. `clock` must outlive this.
  VisibleWaits(Options options, Look look, std::function<void()> sweep_soon,
               const Clock& clock);
  ~VisibleWaits();

  void Start();
  // Ends all waits with kUnavailable.
  void Stop();

  // Waits for so long. `is_gone`: nobody listens any more; it is asked under
  // the lock, so it must only look. Null: somebody listens.
  // kDeadlineExceeded: not in time; kResourceExhausted: too many wait;
  // otherwise as Look says.
  void Add(v1::WaitVisibleRequest request, absl::Duration timeout, Done done,
           std::function<bool()> is_gone = nullptr);

  // Something about the host is new: a listener of Receipts.
  void OnNews(const HostId& host);

  // One step of the thread: looks at the calls, and returns the Uptime() of the
  // next. Only for who does not Start().
  absl::Duration Tick();

  Counts counts() const;

 private:
  struct Wait {
    v1::WaitVisibleRequest request;
    absl::Duration timeout;
    absl::Duration deadline;
    Done done;
    std::function<bool()> is_gone;
  };
  using End = std::pair<Done, absl::StatusOr<v1::WaitVisibleResponse>>;

  void Run();
  void DropGone() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The wait's request, unless it has ended; and its end.
  std::optional<Wait> Take(int64_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void HurrySweep(bool wanted, absl::Duration now);

  // Set at construction.
  const Options options_;
  const Look look_;
  const std::function<void()> sweep_soon_;
  const Clock& clock_;

  mutable Mutex mu_;
  CondVar cv_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<int64_t, Wait> waits_ ABSL_GUARDED_BY(mu_);
  Counts counts_ ABSL_GUARDED_BY(mu_);

  // Used by the thread only.
  Random random_;
  int sweeps_asked_ = 0;  // in a row
  absl::Duration next_sweep_ = -absl::InfiniteDuration();

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_VISIBLE_WAITS_H_
