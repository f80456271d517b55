// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A real QEMU guest that hangs answers nobody who asks its monitor. Reads never
// do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/file.h"
#include "hypervisor/connection.h"
#include "hypervisor/libvirt_dialer.h"
#include "hypervisor/recording_listener.h"
#include "tests/lab/host.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// The QEMU process of a guest; 0 if there is none. Names are of this test
// process alone.
pid_t QemuOf(const std::string& guest) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const auto command = ReadFile(entry.path() / "cmdline");
    if (command.ok() && absl::StartsWith(*command, "/usr/bin/qemu") &&
        absl::StrContains(*command, absl::StrCat("guest=", guest, ","))) {
      return pid;
    }
  }
  return 0;
}

TEST(HungGuestTest, AGuestThatHangsHoldsNoReadOfItsHost) {
  auto folder = lab::TempFolder::Create("hung");
  ASSERT_THAT(folder, IsOk());
  auto host = lab::Host::Start({.driver = lab::Driver::kQemu,
                                .name = "kvm1.example.net",
                                .folder = (*folder)->path()});
  ASSERT_THAT(host, IsOk());
  const std::string hung = absl::StrCat("hung-", getpid());
  const std::string well = absl::StrCat("well-", getpid());
  for (const std::string& guest : {hung, well}) {
    ASSERT_THAT((*host)->Define({.name = guest}), IsOk());
    ASSERT_THAT((*host)->StartGuest(guest), IsOk());
  }
  auto uuid = (*host)->Virsh({"domuuid", well});
  ASSERT_THAT(uuid, IsOk());

  LibvirtDialer dialer(Clock::Real());
  RecordingListener listener;
  DialOptions options;
  options.read = {.volumes = true, .messages = true};
  auto connection = dialer.Dial((*host)->local_uri(), options, listener);
  ASSERT_THAT(connection, IsOk());
  const pid_t qemu = QemuOf(hung);
  ASSERT_NE(qemu, 0);
  ASSERT_EQ(kill(qemu, SIGSTOP), 0);
  const auto wake = absl::MakeCleanup([&] { kill(qemu, SIGCONT); });

  // More than a daemon lets one client have under way: none may stay behind.
  const absl::Duration begun = Clock::Real().Uptime();
  for (int i = 0; i < 10; ++i) {
    const auto inventory =
        (*connection)->Read({.everything = true, .volatile_values = true});
    ASSERT_THAT(inventory, IsOk());
    EXPECT_THAT(inventory->unread_uuids, IsEmpty());
    ASSERT_THAT(inventory->guests, SizeIs(2));
    for (const v1::Guest& guest : inventory->guests) {
      EXPECT_EQ(guest.state(), v1::GUEST_STATE_RUNNING);
    }
  }
  EXPECT_LE(Clock::Real().Uptime() - begun, absl::Seconds(5));

  ASSERT_THAT((*host)->Suspend(well), IsOk());
  EXPECT_TRUE(listener.AwaitGuestEvent(
      {std::string(absl::StripAsciiWhitespace(*uuid))}));
}

}  // namespace
}  // namespace rehai::hypervisor
