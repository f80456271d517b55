// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What only real QEMU guests do: hang, which holds whoever asks their monitor,
// and migrate.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

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

// Two hosts without guests.
class QemuGuestsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 2; ++i) {
      auto folder = lab::TempFolder::Create("qemu");
      ASSERT_THAT(folder, IsOk());
      folders_[i] = *std::move(folder);
      auto host =
          lab::Host::Start({.driver = lab::Driver::kQemu,
                            .name = absl::StrCat("kvm", i + 1, ".example.net"),
                            .folder = folders_[i]->path(),
                            .capabilities_of = hosts_[0].get()});
      ASSERT_THAT(host, IsOk());
      hosts_[i] = *std::move(host);
    }
  }

  // Defines and starts it; its UUID.
  GuestId Run(lab::Host& host, const std::string& name) {
    EXPECT_THAT(host.Define({.name = name}), IsOk());
    EXPECT_THAT(host.StartGuest(name), IsOk());
    const auto uuid = host.Virsh({"domuuid", name});
    EXPECT_THAT(uuid, IsOk());
    return {std::string(absl::StripAsciiWhitespace(uuid.value_or("")))};
  }

  std::unique_ptr<Connection> Dial(lab::Host& host, Listener& listener) {
    DialOptions options;
    options.read = {.volumes = true, .messages = true};
    auto connection = dialer_.Dial(host.local_uri(), options, listener);
    EXPECT_THAT(connection, IsOk());
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  std::unique_ptr<lab::TempFolder> folders_[2];
  std::unique_ptr<lab::Host> hosts_[2];
  LibvirtDialer dialer_{Clock::Real()};
};

TEST_F(QemuGuestsTest, AGuestThatHangsHoldsNoReadOfItsHost) {
  const std::string hung = absl::StrCat("hung-", getpid());
  Run(*hosts_[0], hung);
  const std::string well = absl::StrCat("well-", getpid());
  const GuestId well_id = Run(*hosts_[0], well);
  RecordingListener listener;
  const auto connection = Dial(*hosts_[0], listener);
  ASSERT_NE(connection, nullptr);
  const pid_t qemu = QemuOf(hung);
  ASSERT_NE(qemu, 0);
  ASSERT_EQ(kill(qemu, SIGSTOP), 0);
  const auto wake = absl::MakeCleanup([&] { kill(qemu, SIGCONT); });

  // More than a daemon lets one client have under way: none may stay behind.
  const absl::Duration begun = Clock::Real().Uptime();
  for (int i = 0; i < 10; ++i) {
    const auto inventory =
        connection->Read({.everything = true, .volatile_values = true});
    ASSERT_THAT(inventory, IsOk());
    EXPECT_THAT(inventory->unread_uuids, IsEmpty());
    ASSERT_THAT(inventory->guests, SizeIs(2));
    for (const v1::Guest& guest : inventory->guests) {
      EXPECT_EQ(guest.state(), v1::GUEST_STATE_RUNNING);
    }
  }
  EXPECT_LE(Clock::Real().Uptime() - begun, absl::Seconds(5));

  ASSERT_THAT(hosts_[0]->Suspend(well), IsOk());
  EXPECT_TRUE(listener.AwaitGuestEvent(well_id));
}

TEST_F(QemuGuestsTest, TheHostThatALiveMigrationLeavesSaysSo) {
  const std::string name = absl::StrCat("mover-", getpid());
  const GuestId mover = Run(*hosts_[0], name);
  RecordingListener leaving;
  RecordingListener coming;
  const auto source = Dial(*hosts_[0], leaving);
  const auto destination = Dial(*hosts_[1], coming);
  ASSERT_NE(source, nullptr);
  ASSERT_NE(destination, nullptr);

  ASSERT_THAT(
      hosts_[0]->Virsh({"migrate", "--live", "--persistent", "--undefinesource",
                        name, hosts_[1]->local_uri(), "tcp://127.0.0.1"}),
      IsOk());
  EXPECT_TRUE(leaving.AwaitMigratedAway(mover));
  EXPECT_TRUE(coming.AwaitGuestEvent(mover));
  const auto left = source->Read({});
  ASSERT_THAT(left, IsOk());
  EXPECT_THAT(left->guests, IsEmpty());
  const auto there = destination->Read({});
  ASSERT_THAT(there, IsOk());
  ASSERT_THAT(there->guests, SizeIs(1));
  EXPECT_EQ(there->guests[0].uuid(), mover.uuid);
  EXPECT_EQ(there->guests[0].state(), v1::GUEST_STATE_RUNNING);
  EXPECT_FALSE(coming.has_migrated_away(mover));
}

}  // namespace
}  // namespace rehai::hypervisor
