// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_DAEMON_H_
#define AGENT_DAEMON_H_

#include <functional>
#include <memory>
#include <string>

#include "agent/controller_credentials.h"
#include "agent/credentialed_channels.h"
#include "agent/host_watch.h"
#include "agent/runner.h"
#include "agent/session.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "hypervisor/connection.h"

namespace rehai::agent {

// Daemon is rehai-agent without --once: it watches its host's hypervisor and
// reports to the controller, for as long as it runs.
//
// The first session begins when the hypervisor has been read, or could not be:
// its Hello says which host it is. Thread-safe.
class Daemon {
 public:
  struct Options {
    HostWatch::Options watch;
    Session::Options session;
    CredentialedChannels::Options channels;
  };

  struct Standing {
    // The hypervisor has been read, or a session has been open.
    bool is_ready = false;
    std::string text;  // one line, for people
  };

  // `on_change`: Standing may have changed; on any thread, must not block.
  // `dialer`, `clock` and `keeper`, which may be null, must outlive it.
  Daemon(const Options& options, hypervisor::Dialer& dialer,
         std::unique_ptr<ControllerCredentials> credentials,
         Session::OhaiStarter start_ohai, std::function<void()> on_change,
         const Clock& clock, HostWatch::Keeper* keeper = nullptr);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void Start();
  // Ends the session, then all else. Waits for what is under way, which may be
  // a hypervisor or a controller that does not answer: until its timeouts.
  void Stop();

  Standing standing() const;

 private:
  void HostNews();
  void SessionChanged(const Session::Standing& standing);

  const std::string uri_;
  const std::function<void()> on_change_;

  mutable Mutex mu_;
  bool session_started_ ABSL_GUARDED_BY(mu_) = false;
  bool was_ready_ ABSL_GUARDED_BY(mu_) = false;
  Session::Standing session_standing_ ABSL_GUARDED_BY(mu_);

  HostWatch watch_;
  CredentialedChannels channels_;
  Runner runner_;
  const std::unique_ptr<Session> session_;
};

}  // namespace rehai::agent

#endif  // AGENT_DAEMON_H_
