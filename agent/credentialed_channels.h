// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_CREDENTIALED_CHANNELS_H_
#define AGENT_CREDENTIALED_CHANNELS_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "agent/channel_source.h"
#include "agent/controller_credentials.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai::agent {

// Channels to the controller with the agent's credentials, which enrol and
// renew on a thread of their own: so a session goes on meanwhile.
//
// Owns that thread between Start() and Stop(). Thread-safe.
class CredentialedChannels final : public ChannelSource {
 public:
  struct Options {
    std::string controller;  // host:port, or unix:/path
    // For an enrolment or a renewal.
    absl::Duration timeout = absl::Seconds(20);
  };

  // `on_renewed` is called, on the thread, when a channel opened from now on
  // has a new certificate, and those from before keep the old one. `clock` must
  // outlive it.
  CredentialedChannels(Options options,
                       std::unique_ptr<ControllerCredentials> credentials,
                       std::function<void()> on_renewed, const Clock& clock);
  ~CredentialedChannels() override;
  CredentialedChannels(const CredentialedChannels&) = delete;
  CredentialedChannels& operator=(const CredentialedChannels&) = delete;

  void Start();
  // Waits for an enrolment or a renewal under way. Who waits for a channel gets
  // kCancelled.
  void Stop();

  // One at a time: a new one takes the place of one that is not begun, which
  // gets kCancelled.
  void Open(Done done) override;

 private:
  void Work();
  void Renew();

  // Set at construction.
  const Options options_;
  const std::function<void()> on_renewed_;
  const Clock& clock_;
  const std::unique_ptr<ControllerCredentials> credentials_;  // the thread's

  Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Done asked_ ABSL_GUARDED_BY(mu_);  // null: nobody waits

  std::thread thread_;
};

}  // namespace rehai::agent

#endif  // AGENT_CREDENTIALED_CHANNELS_H_
