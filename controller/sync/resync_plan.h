// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_RESYNC_PLAN_H_
#define CONTROLLER_SYNC_RESYNC_PLAN_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/resync.pb.h"

// What an operator's request comes to. Pure.
namespace rehai {

// What holds where a request does not say.
struct ResyncDefaults {
  int hosts_at_once = 32;
  absl::Duration host_timeout = absl::Minutes(2);  // from the host's begin
  // The same of an operation that runs Ohai, which costs its hosts seconds of
  // their time. The timeout is to allow for the agents' own, and a write.
  int ohai_hosts_at_once = 8;
  absl::Duration ohai_host_timeout = absl::Minutes(4);
  absl::Duration timeout = absl::Hours(24);  // of all of it
};

// The operation that is asked for, as of `now`: all but its id, who asked, and
// its hosts. kInvalidArgument: names the field, and what it may be.
absl::StatusOr<v1::Operation> PlanResync(const v1::ResyncStartRequest& request,
                                         const ResyncDefaults& defaults,
                                         absl::Time now);

// What each of the operation's hosts goes through before it is DONE, in this
// order. Empty: nothing is to be done, only told.
std::vector<v1::HostProgress> StepsOf(const v1::Operation& operation);

// Ok if two requests that have an idempotency key in common ask for the same.
// kAlreadyExists: names the operation that is there, and what differs.
absl::Status CheckSameRequest(const v1::Operation& known,
                              const v1::Operation& asked);

// True if the record is one that the selector means.
bool Matches(const v1::HostSelector& selector, const v1::Record& record);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_RESYNC_PLAN_H_
