// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_BACKGROUND_OHAI_H_
#define AGENT_BACKGROUND_OHAI_H_

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "agent/ohai_runner.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {

// Runs Ohai for a session, one run at a time, on a thread that there is only as
// long as one is under way. Thread-safe.
class BackgroundOhai {
 public:
  using Done = absl::AnyInvocable<void(v1::OhaiResult result)>;

  // What a request leaves open is as in `defaults`. `clock` must outlive it.
  BackgroundOhai(std::string node, OhaiRunner::Request defaults,
                 const Clock& clock);
  ~BackgroundOhai();
  BackgroundOhai(const BackgroundOhai&) = delete;
  BackgroundOhai& operator=(const BackgroundOhai&) = delete;

  // Returns at once. `done` once, with what Ohai says or why there is nothing:
  // at once if one is under way or it is stopped, else on the thread.
  void Start(const v1::RunOhai& request, Done done);
  // Ends a run under way and waits for its end: for seconds, if Ohai does not
  // listen.
  void Stop();

 private:
  v1::OhaiResult Run(const OhaiRunner::Request& request);

  // Set at construction.
  const std::string node_;
  const OhaiRunner::Request defaults_;

  OhaiRunner runner_;

  Mutex mu_;
  bool running_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  // Of the last run; to be joined before the next.
  std::thread thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::agent

#endif  // AGENT_BACKGROUND_OHAI_H_
