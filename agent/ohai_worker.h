// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_OHAI_WORKER_H_
#define AGENT_OHAI_WORKER_H_

#include <optional>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "agent/ohai_runner.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {

// Runs Ohai for the controller, on a thread of its own: what Session's
// OhaiStarter is. One run at a time, and none waits for another. Thread-safe.
class OhaiWorker {
 public:
  // Longer than this no controller may have Ohai run.
  static constexpr absl::Duration kMaxTimeout = absl::Minutes(10);

  using Done = absl::AnyInvocable<void(v1::OhaiResult result)>;

  // `base` says how this host's Ohai is run, where a request does not. `clock`
  // must outlive this.
  OhaiWorker(OhaiRunner::Request base, const Clock& clock);
  // Stop().
  ~OhaiWorker();

  OhaiWorker(const OhaiWorker&) = delete;
  OhaiWorker& operator=(const OhaiWorker&) = delete;

  // Returns at once. `done` is called once: on the worker's thread, or before
  // this returns if another run is under way or Stop() was called. An error is
  // in the result.
  void Start(const v1::RunOhai& request, Done done);

  // Ends what is running, and waits for its `done` to return: a few seconds at
  // most. Not from within a `done`.
  void Stop();

 private:
  struct Job {
    v1::RunOhai request;
    Done done;
  };

  void Loop();
  OhaiRunner::Request RequestFor(const v1::RunOhai& asked) const;
  v1::OhaiResult Run(const v1::RunOhai& asked);

  // Set at construction.
  const OhaiRunner::Request base_;
  OhaiRunner runner_;

  Mutex mu_;
  CondVar changed_;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool is_busy_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<Job> job_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai::agent

#endif  // AGENT_OHAI_WORKER_H_
