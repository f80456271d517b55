// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_VISIBILITY_SERVICE_H_
#define CONTROLLER_API_VISIBILITY_SERVICE_H_

#include <memory>

#include "absl/time/time.h"
#include "controller/api/visible_guest.h"
#include "controller/api/visible_waits.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace rehai {

// A wait without a timeout, in a call without a deadline; the longest there is;
// and what is left of a call's deadline for the answer's way.
inline constexpr absl::Duration kUsualWait = absl::Seconds(30);
inline constexpr absl::Duration kLongestWait = absl::Minutes(10);
inline constexpr absl::Duration kMostForAnswer = absl::Milliseconds(500);

// How long a call waits: as `timeout` says (zero: not said), and so that the
// answer is there before the call's deadline, which is `left` from now
// (infinite: none).
absl::Duration WaitFor(absl::Duration timeout, absl::Duration left);

// Both must outlive the service.
std::unique_ptr<grpc::Service> MakeVisibilityService(
    const VisibleGuests& guests, VisibleWaits& waits);

}  // namespace rehai

#endif  // CONTROLLER_API_VISIBILITY_SERVICE_H_
