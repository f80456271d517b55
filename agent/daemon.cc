// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/daemon.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace rehai::agent {

Daemon::Daemon(const Options& options, hypervisor::Dialer& dialer,
               std::unique_ptr<ControllerCredentials> credentials,
               Session::OhaiStarter start_ohai, std::function<void()> on_change,
               const Clock& clock, HostWatch::Keeper* keeper)
    : uri_(options.watch.uri),
      on_change_(std::move(on_change)),
      watch_(
          options.watch, dialer, clock, [this] { HostNews(); }, keeper),
      channels_(
          options.channels, std::move(credentials),
          [this] { session_->Reopen(); }, clock),
      runner_(clock),
      session_(std::make_unique<Session>(
          options.session, watch_, channels_, std::move(start_ohai),
          [this](const Session::Standing& standing) {
            SessionChanged(standing);
          },
          runner_, clock)) {}

Daemon::~Daemon() { Stop(); }

void Daemon::Start() {
  channels_.Start();
  watch_.Start();
}

void Daemon::Stop() {
  session_->Stop();
  channels_.Stop();
  watch_.Stop();
}

void Daemon::HostNews() {
  bool is_first = false;
  {
    MutexLock lock(mu_);
    is_first = !std::exchange(session_started_, true);
  }
  if (is_first) {
    session_->Start();
  } else {
    session_->Wake();
  }
  on_change_();
}

void Daemon::SessionChanged(const Session::Standing& standing) {
  {
    MutexLock lock(mu_);
    session_standing_ = standing;
    was_ready_ |= standing.is_open;
  }
  on_change_();
}

Daemon::Standing Daemon::standing() const {
  const HostWatch::Standing host = watch_.standing();
  Session::Standing session;
  Standing standing;
  {
    MutexLock lock(mu_);
    session = session_standing_;
    standing.is_ready = was_ready_;
  }
  standing.is_ready |= host.has_tried && host.status.ok();
  const std::string controller =
      session.detail.empty() ? "not connected yet" : session.detail;
  if (!host.has_tried) {
    standing.text = absl::StrCat("connecting to ", uri_);
  } else if (!host.status.ok()) {
    standing.text = absl::StrCat(std::string(host.status.message()));
  } else {
    standing.text = absl::StrCat(host.guests, " guests");
  }
  absl::StrAppend(&standing.text, "; controller: ", controller);
  return standing;
}

}  // namespace rehai::agent
