// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/state_reason.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

namespace rehai::hypervisor {
namespace {

TEST(StateReasonTest, LibvirtsNumbersHaveVirshsWords) {
  EXPECT_EQ(StateReason(v1::GUEST_STATE_RUNNING, VIR_DOMAIN_RUNNING_BOOTED),
            "booted");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_RUNNING, VIR_DOMAIN_RUNNING_UNPAUSED),
            "unpaused");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_RUNNING, VIR_DOMAIN_RUNNING_WAKEUP),
            "event wakeup");
  EXPECT_EQ(
      StateReason(v1::GUEST_STATE_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY_FAILED),
      "post-copy failed");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_PAUSED, VIR_DOMAIN_PAUSED_USER),
            "user");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_PAUSED, VIR_DOMAIN_PAUSED_IOERROR),
            "I/O error");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP),
            "starting up");
  EXPECT_EQ(
      StateReason(v1::GUEST_STATE_SHUTTING_DOWN, VIR_DOMAIN_SHUTDOWN_USER),
      "user");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_SHUT_OFF, VIR_DOMAIN_SHUTOFF_DESTROYED),
            "destroyed");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_SHUT_OFF, VIR_DOMAIN_SHUTOFF_DAEMON),
            "daemon");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_CRASHED, VIR_DOMAIN_CRASHED_PANICKED),
            "panicked");
}

TEST(StateReasonTest, UnknownAndFutureReasonsAreEmpty) {
  EXPECT_EQ(StateReason(v1::GUEST_STATE_RUNNING, VIR_DOMAIN_RUNNING_UNKNOWN),
            "");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_RUNNING, 4711), "");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_RUNNING, -1), "");
  EXPECT_EQ(StateReason(v1::GUEST_STATE_BLOCKED, 1), "");
}

}  // namespace
}  // namespace rehai::hypervisor
