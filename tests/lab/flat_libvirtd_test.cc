// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/flat_libvirtd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::HasSubstr;

TEST(FlatLibvirtdTest, KeepsItsGuestsWhileNobodyElseIsConnected) {
  const auto libvirtd = FlatLibvirtd::Start();
  ASSERT_THAT(libvirtd, IsOk());

  ASSERT_THAT((*libvirtd)->Virsh({"suspend", "test"}), IsOk());

  const auto state = (*libvirtd)->Virsh({"domstate", "test"});
  ASSERT_THAT(state, IsOk());
  EXPECT_THAT(*state, HasSubstr("paused"));
}

TEST(FlatLibvirtdTest, SaysWhatVirshComplainedAbout) {
  const auto libvirtd = FlatLibvirtd::Start();
  ASSERT_THAT(libvirtd, IsOk());

  EXPECT_THAT((*libvirtd)->Virsh({"start", "nobody"}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("nobody")));
}

TEST(FlatLibvirtdTest, IsAsNewAfterARestartAtTheSamePlace) {
  const auto libvirtd = FlatLibvirtd::Start();
  ASSERT_THAT(libvirtd, IsOk());
  ASSERT_THAT((*libvirtd)->Virsh({"suspend", "test"}), IsOk());

  ASSERT_THAT((*libvirtd)->Restart(), IsOk());

  const auto state = (*libvirtd)->Virsh({"domstate", "test"});
  ASSERT_THAT(state, IsOk());
  EXPECT_THAT(*state, HasSubstr("running"));
}

TEST(FlatLibvirtdTest, TouchesNothingOfASystemLibvirtd) {
  // Whether there is one or not.
  const auto before = RunProgram({.argv = {"find", "/run/libvirt", "-ls"}});
  ASSERT_THAT(before, IsOk());

  ASSERT_THAT(FlatLibvirtd::Start(), IsOk());

  EXPECT_EQ(RunProgram({.argv = {"find", "/run/libvirt", "-ls"}})->output,
            before->output);
}

TEST(FlatLibvirtdTest, EndsEvenWhileItHangs) {
  auto libvirtd = FlatLibvirtd::Start();
  ASSERT_THAT(libvirtd, IsOk());
  const pid_t pid = (*libvirtd)->process().pid();
  const std::string uri = (*libvirtd)->uri();
  (*libvirtd)->process().Signal(SIGSTOP);

  libvirtd->reset();

  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_FALSE(std::filesystem::exists(
      std::filesystem::path(uri.substr(uri.find('=') + 1)).parent_path()));
}

}  // namespace
}  // namespace rehai::lab
