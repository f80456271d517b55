// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A start, some work and an orderly end leave no memory behind, and touch none
// that is not theirs: the controller under Valgrind. What is suppressed is not
// ours, and valgrind.supp says what it is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::restart {
namespace {

using integration::Eventually;
using integration::FrontEnd;
using integration::kShownPaused;
using integration::ShownIn;
using integration::SmallNode;

constexpr int kHosts = 3;
constexpr int kComplaint = 99;
// Valgrind makes a program some thirty times slower.
constexpr absl::Duration kPatience = absl::Minutes(5);

std::string NodeName(int host) { return absl::StrCat("hv", host); }

TEST(MemoryTest, ValgrindHasNothingToSayFromStartToStop) {
  const auto folder = lab::TempFolder::Create("memory");
  ASSERT_THAT(folder, IsOk());
  const auto chef = lab::Goiardi::Start();
  ASSERT_THAT(chef, IsOk());
  std::vector<std::unique_ptr<lab::FlatLibvirtd>> libvirtds;
  lab::ControllerProcess::Options options;
  for (int i = 0; i < kHosts; ++i) {
    auto libvirtd = lab::FlatLibvirtd::Start();
    ASSERT_THAT(libvirtd, IsOk());
    libvirtds.push_back(*std::move(libvirtd));
    options.hosts.push_back({.node = NodeName(i), .uri = libvirtds[i]->uri()});
    ASSERT_THAT((*chef)->CreateNode(SmallNode(NodeName(i))), IsOk());
  }
  const std::string report = **folder / "report";
  options.launcher = {"valgrind",
                      "--quiet",
                      "--leak-check=full",
                      "--show-leak-kinds=definite",
                      "--errors-for-leak-kinds=definite",
                      absl::StrCat("--error-exitcode=", kComplaint),
                      "--suppressions=tests/restart/valgrind.supp",
                      absl::StrCat("--log-file=", report)};
  options.more_sync = "  sweep_interval: 2s\n";
  options.more_config = absl::StrCat(
      "http:\n  listen: 127.0.0.1:0\nstate:\n  dir: ", **folder / "state",
      "\n");
  const auto controller = lab::ControllerProcess::Start(**chef, options);
  ASSERT_THAT(controller, IsOk());
  FrontEnd front_end((*controller)->address());

  for (int i = 0; i < kHosts; ++i) {
    EXPECT_TRUE(
        Eventually([&] { return front_end.SyncStatusOf(NodeName(i)).state(); },
                   v1::SYNC_STATE_SYNCED, kPatience));
  }
  ASSERT_THAT(libvirtds[1]->Virsh({"suspend", "test"}), IsOk());
  EXPECT_TRUE(Eventually(
      [&] {
        return ShownIn((*chef)->GetNode(NodeName(1)).value_or(""), "test");
      },
      kShownPaused, kPatience));
  // A hypervisor that dies under it, and a resync over all.
  libvirtds[2]->process().Signal(SIGKILL);
  EXPECT_TRUE(Eventually([&] { return front_end.PresenceOf(NodeName(2)); },
                         v1::PRESENCE_STALE, kPatience));
  EXPECT_THAT(front_end.Resync({NodeName(0), NodeName(1)}), IsOk());

  (*controller)->process().Signal(SIGTERM);
  const auto status = (*controller)->process().Wait(kPatience);
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(*status, 0) << ReadFile(report).value_or("no report");
  EXPECT_EQ(ReadFile(report).value_or("no report"), "");
}

}  // namespace
}  // namespace rehai::restart
