// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ENROLMENT_CHALLENGES_H_
#define CONTROLLER_ENROLMENT_CHALLENGES_H_

#include <cstddef>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "proto/ids.h"

namespace rehai {

// What hosts are to sign: random, each for one host, for one use and for a
// short time, so that a signature that was overheard is worth nothing.
//
// Bounded: when too many are outstanding the oldest is forgotten, so that who
// asks for ever new ones can delay others' enrolment and do no more. Lost with
// the process; an agent then begins again. Thread-safe. Leaf lock.
class Challenges {
 public:
  struct Options {
    absl::Duration lifetime = absl::Minutes(1);
    size_t most = 10'000;
  };
  struct Challenge {
    std::string bytes;  // 32
    absl::Time expires_at;
  };

  // `clock` must outlive it.
  Challenges(Options options, const Clock& clock);

  // kInternal: the system has no randomness to give.
  absl::StatusOr<Challenge> Issue(const HostId& host);

  // Uses it up, whoever presents it. kPermissionDenied: it is unknown, used or
  // expired, or was issued to another host.
  absl::Status Redeem(const HostId& host, const std::string& bytes);

 private:
  struct Outstanding {
    HostId host;
    absl::Duration expires_at;  // Clock::Uptime()
  };

  void ForgetOld(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const Clock& clock_;

  Mutex mu_;
  absl::flat_hash_map<std::string, Outstanding> outstanding_
      ABSL_GUARDED_BY(mu_);
  // In the order of their issue, those that were redeemed included.
  std::deque<std::string> order_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_ENROLMENT_CHALLENGES_H_
