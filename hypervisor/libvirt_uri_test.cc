// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_uri.h"

#include <gtest/gtest.h>

namespace rehai::hypervisor {
namespace {

TEST(LibvirtUriTest, SshIsToldNotToPrompt) {
  EXPECT_EQ(WithoutPrompts("qemu+ssh://root@hv1/system"),
            "qemu+ssh://root@hv1/system?no_tty=1");
  EXPECT_EQ(WithoutPrompts("QEMU+SSH://hv1/system?keyfile=/k"),
            "QEMU+SSH://hv1/system?keyfile=/k&no_tty=1");
  EXPECT_EQ(WithoutPrompts("qemu+ssh://hv1/system?"),
            "qemu+ssh://hv1/system?no_tty=1");
  EXPECT_EQ(WithoutPrompts("qemu+ssh://hv1/system#part"),
            "qemu+ssh://hv1/system?no_tty=1#part");
}

TEST(LibvirtUriTest, WhatTheUserChoseStays) {
  for (const char* uri :
       {"qemu+ssh://hv1/system?command=/opt/ssh",
        "qemu+ssh://hv1/system?keyfile=/k&no_tty=0", "qemu:///system",
        "qemu+tls://hv1/system", "qemu+libssh://hv1/system",
        "test:///default?x=+ssh", "no uri at all", ""}) {
    EXPECT_EQ(WithoutPrompts(uri), uri);
  }
}

}  // namespace
}  // namespace rehai::hypervisor
