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

TEST(LibvirtUriTest, SshIsReachedByTheCommandThatIsGiven) {
  EXPECT_EQ(WithoutPrompts("qemu+ssh://root@hv1:2222/system", "/run/rehai/ssh"),
            "qemu+ssh://root@hv1:2222/system?command=/run/rehai/ssh");
  EXPECT_EQ(
      WithoutPrompts("qemu+ssh://hv1/system?no_tty=0&socket=/s#x", "/ssh"),
      "qemu+ssh://hv1/system?no_tty=0&socket=/s&command=/ssh#x");
  EXPECT_EQ(WithoutPrompts("qemu+ssh://hv1/system", "/tmp/a b&c=%?#\xc3\xa9"),
            "qemu+ssh://hv1/system?command=/tmp/a%20b%26c%3D%25%3F%23%C3%A9");
}

TEST(LibvirtUriTest, TheCommandIsForNoOtherTransportAndNotForOneWithItsOwn) {
  for (const char* uri :
       {"qemu+ssh://hv1/system?command=/opt/ssh",
        "qemu+ssh://hv1/system?a=b;COMMAND=/opt/ssh",
        "qemu+libssh2://hv1/system", "qemu+libssh://hv1/system",
        "qemu+tls://hv1/system", "qemu:///system"}) {
    EXPECT_EQ(WithoutPrompts(uri, "/run/rehai/ssh"), uri);
  }
}

TEST(LibvirtUriTest, TheLocalUriIsTheSameByWhateverWay) {
  for (const char* uri :
       {"qemu:///system", "qemu+ssh://root@hv1:2222/system?command=/ssh",
        "qemu+unix:///system?socket=/run/a", "qemu://hv1/system",
        "qemu+tls://[::1]/system#x"}) {
    EXPECT_EQ(LocalUri(uri), "qemu:///system") << uri;
  }
  EXPECT_EQ(LocalUri("test+ssh://root@sim1/default"), "test:///default");
  EXPECT_EQ(LocalUri("xen+ssh://hv1"), "xen://");
  EXPECT_EQ(LocalUri("xen+ssh://hv1/"), "xen:///");
}

TEST(LibvirtUriTest, ADriverWithoutADaemonHasNoLocalUri) {
  for (const char* uri : {"esx://root@hv1/?no_verify=1", "no uri at all", ""}) {
    EXPECT_EQ(LocalUri(uri), uri);
  }
}

}  // namespace
}  // namespace rehai::hypervisor
