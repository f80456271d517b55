// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_HOST_ENDING_H_
#define CONTROLLER_SYNC_HOST_ENDING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/node_document.h"
#include "chef/write_result.h"
#include "proto/ids.h"
#include "rehai/v1/resync.pb.h"

// What the answers to a resync's calls mean for the host. Pure.
namespace rehai {

// How a step of a host's went.
struct HostEnding {
  // UNSPECIFIED: well, and what comes next may be done. A last step that went
  // well is UNCHANGED.
  v1::HostOutcome outcome = v1::HOST_OUTCOME_UNSPECIFIED;
  std::string error = {};
  // Of DIFFERENT and WOULD_WRITE.
  int differing_paths = 0;
  std::vector<std::string> first_differing_paths = {};
};

// So many paths are named.
inline constexpr size_t kPathsNamed = 5;

HostEnding EndingOfReread(const absl::Status& status);
// Why Ohai was not run on a host, or did not answer.
HostEnding EndingOfOhai(const absl::Status& status);
HostEnding EndingOfWrite(const absl::StatusOr<chef::WriteResult>& result);
// A look at what a write would change: of a dry run, or else to verify.
HostEnding EndingOfLook(
    const absl::StatusOr<std::vector<chef::PathDifference>>& differences,
    bool dry_run);

// The controller has nobody who could run Ohai on the host.
HostEnding EndingWithoutAgents(const HostId& host);
// The host's own time was over in this step.
HostEnding EndingOfDeadline(const HostId& host, v1::HostProgress step,
                            absl::Duration timeout);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_HOST_ENDING_H_
