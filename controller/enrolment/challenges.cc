// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/challenges.h"

#include <openssl/rand.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

constexpr int kBytes = 32;

}  // namespace

Challenges::Challenges(Options options, const Clock& clock)
    : options_(options), clock_(clock) {}

absl::StatusOr<Challenges::Challenge> Challenges::Issue(const HostId& host) {
  Challenge challenge;
  challenge.bytes.resize(kBytes);
  if (RAND_bytes(reinterpret_cast<unsigned char*>(challenge.bytes.data()),
                 kBytes) != 1) {
    return absl::InternalError(
        absl::StrCat("enrolment of ", host.node,
                     ": the system has no random bytes to give; try later"));
  }
  challenge.expires_at = clock_.Now() + options_.lifetime;
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  ForgetOld(now);
  order_.push_back(challenge.bytes);
  outstanding_.insert_or_assign(
      challenge.bytes,
      Outstanding{.host = host, .expires_at = now + options_.lifetime});
  return challenge;
}

absl::Status Challenges::Redeem(const HostId& host, const std::string& bytes) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  const auto found = outstanding_.find(bytes);
  const bool good =
      found != outstanding_.end() && now < found->second.expires_at;
  const bool own = good && found->second.host == host;
  if (found != outstanding_.end()) outstanding_.erase(found);
  if (own) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "enrolment of ", host.node, ": its challenge ",
      good ? "was issued to another host" : "is unknown, used or expired",
      "; begin again"));
}

void Challenges::ForgetOld(absl::Duration now) {
  while (!order_.empty()) {
    const auto oldest = outstanding_.find(order_.front());
    if (oldest != outstanding_.end() && now < oldest->second.expires_at &&
        order_.size() < options_.most) {
      return;
    }
    if (oldest != outstanding_.end()) outstanding_.erase(oldest);
    order_.pop_front();
  }
}

}  // namespace rehai
