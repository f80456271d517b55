// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/credentialed_channels.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace rehai::agent {
namespace {

// The wall clock may jump, so it is looked at so often.
constexpr absl::Duration kLongestNap = absl::Minutes(1);
// A renewal that is due at once again is not asked for at once again.
constexpr absl::Duration kBetweenRenewals = absl::Seconds(1);

}  // namespace

CredentialedChannels::CredentialedChannels(
    Options options, std::unique_ptr<ControllerCredentials> credentials,
    std::function<void()> on_renewed, const Clock& clock)
    : options_(std::move(options)),
      on_renewed_(std::move(on_renewed)),
      clock_(clock),
      credentials_(std::move(credentials)) {}

CredentialedChannels::~CredentialedChannels() { Stop(); }

void CredentialedChannels::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "credentials");
    Work();
  });
}

void CredentialedChannels::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void CredentialedChannels::Open(Done done) {
  {
    MutexLock lock(mu_);
    if (!stopping_) {
      std::swap(asked_, done);
      changed_.NotifyAll();
    }
  }
  if (done) {
    done(absl::CancelledError(
        absl::StrCat(options_.controller, ": no channel is opened any more")));
  }
}

void CredentialedChannels::Work() {
  absl::Duration renew_again_at = -absl::InfiniteDuration();
  while (true) {
    Done done;
    {
      const absl::Duration until_renewal =
          credentials_->renew_at() - clock_.Now();
      const absl::Duration now = clock_.Uptime();
      const absl::Duration renew_at =
          std::max(now + until_renewal, renew_again_at);
      MutexLock lock(mu_);
      if (stopping_) break;
      if (!asked_ && now < renew_at) {
        clock_.WaitUntil(std::min(renew_at, now + kLongestNap), mu_, changed_);
        continue;
      }
      done = std::exchange(asked_, nullptr);
    }
    if (!done) {
      renew_again_at = clock_.Uptime() + kBetweenRenewals;
      Renew();
      continue;
    }
    auto credentials = credentials_->Get(options_.timeout);
    if (!credentials.ok()) {
      done(credentials.status());
      continue;
    }
    done(MakeControllerChannel(options_.controller, *credentials,
                               credentials_->arguments()));
  }
  Done done;
  {
    MutexLock lock(mu_);
    done = std::exchange(asked_, nullptr);
  }
  if (done) {
    done(absl::CancelledError(
        absl::StrCat(options_.controller, ": the agent is stopping")));
  }
}

void CredentialedChannels::Renew() {
  if (absl::Status status = credentials_->Renew(options_.timeout);
      !status.ok()) {
    log::Warning("certificate not renewed",
                 {{"error", status.message()},
                  {"next_try", absl::FormatTime(credentials_->renew_at())}});
    return;
  }
  on_renewed_();
}

}  // namespace rehai::agent
