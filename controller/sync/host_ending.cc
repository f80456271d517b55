// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/host_ending.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace rehai {
namespace {

// What an error means for a host, where `otherwise` is what most mean.
HostEnding EndingOf(const absl::Status& status, v1::HostOutcome otherwise) {
  std::string message(status.message());
  if (absl::IsNotFound(status)) {
    return {v1::HOST_OUTCOME_REMOVED, std::move(message)};
  }
  if (absl::IsCancelled(status)) {
    return {v1::HOST_OUTCOME_CANCELED, std::move(message)};
  }
  return {otherwise, std::move(message)};
}

// "its node was not written", of a host whose time is over in this step.
absl::string_view LeftUndone(v1::HostProgress step) {
  switch (step) {
    case v1::HOST_PROGRESS_READING:
      return "its hypervisor was not read";
    case v1::HOST_PROGRESS_RUNNING_OHAI:
      return "its agent did not say what Ohai found";
    case v1::HOST_PROGRESS_VERIFYING:
      return "its node was not read";
    default:
      return "its node was not written";
  }
}

HostEnding Differing(v1::HostOutcome outcome,
                     const std::vector<chef::PathDifference>& differences) {
  HostEnding ending = {outcome};
  ending.differing_paths = static_cast<int>(differences.size());
  for (size_t i = 0; i < std::min(differences.size(), kPathsNamed); ++i) {
    ending.first_differing_paths.push_back(differences[i].path);
  }
  return ending;
}

}  // namespace

HostEnding EndingOfReread(const absl::Status& status) {
  if (status.ok()) return {};
  return EndingOf(status, v1::HOST_OUTCOME_UNREACHABLE);
}

HostEnding EndingOfOhai(const absl::Status& status) {
  std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
      return {v1::HOST_OUTCOME_NO_AGENT, std::move(message)};
    case absl::StatusCode::kUnavailable:
      return {v1::HOST_OUTCOME_UNREACHABLE, std::move(message)};
    case absl::StatusCode::kDeadlineExceeded:
      return {v1::HOST_OUTCOME_TIMED_OUT, std::move(message)};
    default:
      return EndingOf(status, v1::HOST_OUTCOME_OHAI_FAILED);
  }
}

HostEnding EndingOfWrite(const absl::StatusOr<chef::WriteResult>& result) {
  if (!result.ok()) {
    return EndingOf(result.status(), v1::HOST_OUTCOME_WRITE_FAILED);
  }
  switch (result->outcome) {
    case v1::WRITE_OUTCOME_WRITTEN:
    case v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED:
      return {v1::HOST_OUTCOME_WRITTEN};
    case v1::WRITE_OUTCOME_UNCHANGED:
      return {v1::HOST_OUTCOME_UNCHANGED};
    case v1::WRITE_OUTCOME_WOULD_WRITE: {
      HostEnding ending =
          Differing(v1::HOST_OUTCOME_WOULD_WRITE, result->differences);
      ending.error =
          "the controller writes nothing, as sync.dry_run is on in its "
          "configuration";
      return ending;
    }
    default:
      return {v1::HOST_OUTCOME_WRITE_FAILED,
              std::string(result->status.message())};
  }
}

HostEnding EndingOfLook(
    const absl::StatusOr<std::vector<chef::PathDifference>>& differences,
    bool dry_run) {
  if (!differences.ok()) {
    return EndingOf(differences.status(), v1::HOST_OUTCOME_WRITE_FAILED);
  }
  if (differences->empty()) {
    return {dry_run ? v1::HOST_OUTCOME_UNCHANGED : v1::HOST_OUTCOME_IN_PLACE};
  }
  return Differing(
      dry_run ? v1::HOST_OUTCOME_WOULD_WRITE : v1::HOST_OUTCOME_DIFFERENT,
      *differences);
}

HostEnding EndingWithoutAgents(const HostId& host) {
  return {v1::HOST_OUTCOME_NO_AGENT,
          absl::StrCat("host ", host.node,
                       ": this controller takes no agents, so nobody can run "
                       "Ohai there; see agents in docs/configuration.md")};
}

HostEnding EndingOfDeadline(const HostId& host, v1::HostProgress step,
                            absl::Duration timeout) {
  return {v1::HOST_OUTCOME_TIMED_OUT,
          absl::StrCat("host ", host.node, ": ", LeftUndone(step), " within ",
                       absl::FormatDuration(timeout),
                       "; see its conditions and sync status")};
}

}  // namespace rehai
