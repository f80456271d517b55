// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_FAKE_CREDENTIALS_H_
#define AGENT_FAKE_CREDENTIALS_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/controller_credentials.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace rehai::agent {

// What a test and the credentials that it gave away share. Thread-safe.
class FakeCredentialsState {
 public:
  void FailGets(absl::Status status) {
    MutexLock lock(mu_);
    get_status_ = std::move(status);
  }
  void FailRenewals(absl::Status status) {
    MutexLock lock(mu_);
    renew_status_ = std::move(status);
  }
  // Of the certificate that there is, and after each renewal that much later.
  void SetRenewal(absl::Time at, absl::Duration every) {
    MutexLock lock(mu_);
    renew_at_ = at;
    every_ = every;
  }

  int gets() const {
    MutexLock lock(mu_);
    return gets_;
  }
  // Waits until so many renewals have been tried.
  bool AwaitRenewals(int count) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + absl::Seconds(30);
    MutexLock lock(mu_);
    while (renewals_ < count) {
      if (clock.Uptime() >= deadline) return false;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    return true;
  }

 private:
  friend class FakeCredentials;

  mutable Mutex mu_;
  CondVar changed_;
  absl::Status get_status_ ABSL_GUARDED_BY(mu_);
  absl::Status renew_status_ ABSL_GUARDED_BY(mu_);
  absl::Time renew_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  absl::Duration every_ ABSL_GUARDED_BY(mu_) = absl::Hours(1);
  int gets_ ABSL_GUARDED_BY(mu_) = 0;
  int renewals_ ABSL_GUARDED_BY(mu_) = 0;
};

// Speaks in clear, and renews what it does not have.
class FakeCredentials final : public ControllerCredentials {
 public:
  // `state` must outlive it.
  explicit FakeCredentials(FakeCredentialsState& state) : state_(state) {}

  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Get(
      absl::Duration timeout) override {
    MutexLock lock(state_.mu_);
    ++state_.gets_;
    if (!state_.get_status_.ok()) return state_.get_status_;
    return grpc::InsecureChannelCredentials();
  }
  absl::Time renew_at() const override {
    MutexLock lock(state_.mu_);
    return state_.renew_at_;
  }
  absl::Status Renew(absl::Duration timeout) override {
    MutexLock lock(state_.mu_);
    state_.renew_at_ += state_.every_;
    ++state_.renewals_;
    state_.changed_.NotifyAll();
    return state_.renew_status_;
  }

 private:
  FakeCredentialsState& state_;
};

}  // namespace rehai::agent

#endif  // AGENT_FAKE_CREDENTIALS_H_
