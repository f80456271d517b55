// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_OHAI_RUN_H_
#define CONTROLLER_SYNC_OHAI_RUN_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/ohai_output.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {

// What one run of Ohai on a host found, and when.
struct OhaiRun {
  chef::OhaiOutput output;
  // As a node's ohai_time: seconds since 1970, by the host's clock.
  std::string time;

  // Of its JSON.
  size_t bytes() const;
};

// More than this is not read: no node may be as large.
inline constexpr size_t kMaxOhaiBytes = 8 << 20;

// What an agent sent of the host's Ohai. The run's time is the output's own
// ohai_time, written or not: chef-client takes that from the same clock. Only
// an output without one was found at `asked_at`, by our clock.
//
//   kUnavailable        Ohai failed there; the message is the agent's
//   kResourceExhausted  the output is larger than kMaxOhaiBytes
//   kInvalidArgument    it is not what ParseOhaiOutput() reads
//
// Pure. Scans the output twice: milliseconds.
absl::StatusOr<OhaiRun> ReadOhaiResult(const HostId& host,
                                       const v1::OhaiResult& result,
                                       absl::Time asked_at,
                                       bool with_ohai_time);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_OHAI_RUN_H_
