// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/lifecycle.h"

#include <gtest/gtest.h>
#include <libvirt/libvirt.h>

namespace rehai::hypervisor {
namespace {

TEST(LifecycleTest, OnlyTheHostThatAGuestLeavesSaysThatItMigratedAway) {
  EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_STOPPED,
                          VIR_DOMAIN_EVENT_STOPPED_MIGRATED),
            GuestEvent::kMigratedAway);
  EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_STARTED,
                          VIR_DOMAIN_EVENT_STARTED_MIGRATED),
            GuestEvent::kPresent);
  EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_RESUMED,
                          VIR_DOMAIN_EVENT_RESUMED_MIGRATED),
            GuestEvent::kPresent);
  EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_SUSPENDED,
                          VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED),
            GuestEvent::kChanged);
}

TEST(LifecycleTest, EveryOtherEndIsToldAsWhatItIs) {
  EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_UNDEFINED,
                          VIR_DOMAIN_EVENT_UNDEFINED_REMOVED),
            GuestEvent::kUndefined);
  for (const int detail :
       {VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, VIR_DOMAIN_EVENT_STOPPED_DESTROYED,
        VIR_DOMAIN_EVENT_STOPPED_CRASHED, VIR_DOMAIN_EVENT_STOPPED_SAVED,
        VIR_DOMAIN_EVENT_STOPPED_FAILED,
        VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT}) {
    EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_STOPPED, detail),
              GuestEvent::kStopped)
        << detail;
  }
}

TEST(LifecycleTest, WhatEndsNoGuestIsNoEnd) {
  EXPECT_EQ(FromLifecycle(VIR_DOMAIN_EVENT_UNDEFINED,
                          VIR_DOMAIN_EVENT_UNDEFINED_RENAMED),
            GuestEvent::kChanged);
  EXPECT_EQ(
      FromLifecycle(VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_RENAMED),
      GuestEvent::kPresent);
  for (const int event :
       {VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SHUTDOWN,
        VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_CRASHED}) {
    EXPECT_EQ(FromLifecycle(event, 0), GuestEvent::kChanged) << event;
  }
  EXPECT_EQ(FromLifecycle(1000, VIR_DOMAIN_EVENT_STOPPED_MIGRATED),
            GuestEvent::kChanged);
}

}  // namespace
}  // namespace rehai::hypervisor
