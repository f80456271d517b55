// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/state_reason.h"

#include "absl/types/span.h"

namespace rehai::hypervisor {
namespace {

// Indexed by libvirt's numbers; 0 is "unknown" in every state.
constexpr absl::string_view kRunning[] = {"",
                                          "booted",
                                          "migrated",
                                          "restored",
                                          "from snapshot",
                                          "unpaused",
                                          "migration canceled",
                                          "save canceled",
                                          "event wakeup",
                                          "crashed",
                                          "post-copy",
                                          "post-copy failed"};
constexpr absl::string_view kPaused[] = {"",
                                         "user",
                                         "migrating",
                                         "saving",
                                         "dumping",
                                         "I/O error",
                                         "watchdog",
                                         "from snapshot",
                                         "shutting down",
                                         "creating snapshot",
                                         "crashed",
                                         "starting up",
                                         "post-copy",
                                         "post-copy failed"};
constexpr absl::string_view kShuttingDown[] = {"", "user"};
constexpr absl::string_view kShutOff[] = {
    "",      "shutdown", "destroyed",     "crashed", "migrated",
    "saved", "failed",   "from snapshot", "daemon"};
constexpr absl::string_view kCrashed[] = {"", "panicked"};

absl::Span<const absl::string_view> ReasonsOf(v1::GuestState state) {
  switch (state) {
    case v1::GUEST_STATE_RUNNING:
      return kRunning;
    case v1::GUEST_STATE_PAUSED:
      return kPaused;
    case v1::GUEST_STATE_SHUTTING_DOWN:
      return kShuttingDown;
    case v1::GUEST_STATE_SHUT_OFF:
      return kShutOff;
    case v1::GUEST_STATE_CRASHED:
      return kCrashed;
    default:
      return {};
  }
}

}  // namespace

absl::string_view StateReason(v1::GuestState state, int reason) {
  const absl::Span<const absl::string_view> reasons = ReasonsOf(state);
  if (reason < 0 || static_cast<size_t>(reason) >= reasons.size()) return "";
  return reasons[reason];
}

}  // namespace rehai::hypervisor
