// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/lab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "tests/lab/process.h"
#include "tests/lab/virsh.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The ids of all processes that have `text` in their command line.
std::string ProcessesAbout(const std::string& text) {
  const auto found = RunProgram({.argv = {"pgrep", "-f", text}});
  return found.ok() ? found->output : found.status().ToString();
}

std::string Mounts() {
  std::ifstream file("/proc/mounts");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::Status Gone(const std::string& text) {
  const std::string processes = ProcessesAbout(text);
  return processes.empty() ? absl::OkStatus()
                           : absl::UnavailableError(processes);
}

TEST(LabTest, AQemuGuestLivesAndDiesOverSsh) {
  const auto lab = Lab::Start({.qemu_hosts = 1});
  ASSERT_THAT(lab, IsOk());
  Host& host = (*lab)->host(0);

  ASSERT_THAT(host.Define({.name = "web01", .vcpus = 2, .title = "a & b"}),
              IsOk());
  ASSERT_THAT(host.StartGuest("web01"), IsOk());

  EXPECT_THAT(RunVirsh(host.uri(), {"domstate", "web01"}),
              IsOkAndHolds(HasSubstr("running")));
  EXPECT_THAT(RunVirsh(host.uri(), {"hostname"}),
              IsOkAndHolds(HasSubstr("kvm1.example.net")));
  ASSERT_THAT(host.Suspend("web01"), IsOk());
  EXPECT_THAT(RunVirsh(host.uri(), {"domstate", "web01"}),
              IsOkAndHolds(HasSubstr("paused")));
  ASSERT_THAT(host.ResumeGuest("web01"), IsOk());
  ASSERT_THAT(host.Destroy("web01"), IsOk());
  ASSERT_THAT(host.Undefine("web01"), IsOk());
  EXPECT_THAT(RunVirsh(host.uri(), {"list", "--all", "--name"}),
              IsOkAndHolds(Not(HasSubstr("web01"))));
}

TEST(LabTest, QemuGuestsOutliveTheirLibvirtd) {
  const auto lab = Lab::Start({.qemu_hosts = 1, .ssh = false});
  ASSERT_THAT(lab, IsOk());
  Host& host = (*lab)->host(0);
  ASSERT_THAT(host.Define({.name = "web01"}), IsOk());
  ASSERT_THAT(host.StartGuest("web01"), IsOk());

  const auto before = host.Virsh({"capabilities"});
  ASSERT_THAT(before, IsOk());

  host.Kill();
  ASSERT_THAT(host.Virsh({"list"}), Not(IsOk()));
  ASSERT_THAT(host.Restart(), IsOk());

  // It is the same host, by its UUID.
  EXPECT_THAT(host.Virsh({"capabilities"}), IsOkAndHolds(*before));

  EXPECT_THAT(host.Virsh({"domstate", "web01"}),
              IsOkAndHolds(HasSubstr("running")));
}

TEST(LabTest, HostsAreSeparateAndKnownByTheirNames) {
  const auto lab = Lab::Start({.qemu_hosts = 2, .test_hosts = 2});
  ASSERT_THAT(lab, IsOk());

  for (int i = 0; i < (*lab)->size(); ++i) {
    Host& host = (*lab)->host(i);
    ASSERT_THAT(host.Define({.name = absl::StrCat("guest", i)}), IsOk());
  }

  for (int i = 0; i < (*lab)->size(); ++i) {
    Host& host = (*lab)->host(i);
    EXPECT_THAT(RunVirsh(host.uri(), {"hostname"}),
                IsOkAndHolds(HasSubstr(host.node())));
    const auto guests = RunVirsh(host.uri(), {"list", "--all", "--name"});
    ASSERT_THAT(guests, IsOk());
    for (int j = 0; j < (*lab)->size(); ++j) {
      EXPECT_EQ(guests->find(absl::StrCat("guest", j)) != std::string::npos,
                i == j)
          << *guests;
    }
  }
}

TEST(LabTest, APausedLibvirtdAnswersNobodyUntilItIsResumed) {
  const auto lab = Lab::Start({.test_hosts = 1});
  ASSERT_THAT(lab, IsOk());
  Host& host = (*lab)->host(0);

  host.Hang();
  EXPECT_THAT(RunProgram({.argv = {"virsh", "-c", host.local_uri(), "list"}},
                         "", absl::Milliseconds(300)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  host.Resume();

  EXPECT_THAT(host.Virsh({"list"}), IsOk());
}

TEST(LabTest, TwoLabsAtOnceDoNotMeet) {
  const auto one = Lab::Start({.qemu_hosts = 1, .test_hosts = 1});
  const auto two = Lab::Start({.qemu_hosts = 1, .test_hosts = 1});
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());

  for (Lab* lab : {one->get(), two->get()}) {
    ASSERT_THAT(lab->host(0).Define({.name = "web01"}), IsOk());
    ASSERT_THAT(lab->host(0).StartGuest("web01"), IsOk());
  }
  ASSERT_THAT((*one)->host(0).Destroy("web01"), IsOk());

  EXPECT_THAT(RunVirsh((*two)->host(0).uri(), {"domstate", "web01"}),
              IsOkAndHolds(HasSubstr("running")));
}

TEST(LabTest, LeavesNoProcessNoMountAndNoFile) {
  const std::string mounts = Mounts();
  auto lab = Lab::Start({.qemu_hosts = 1, .test_hosts = 1});
  ASSERT_THAT(lab, IsOk());
  const std::string folder = (*lab)->folder().path();
  ASSERT_THAT((*lab)->host(0).Define({.name = "web01"}), IsOk());
  ASSERT_THAT((*lab)->host(0).StartGuest("web01"), IsOk());
  (*lab)->host(1).Hang();
  ASSERT_THAT(ProcessesAbout(folder), Not(IsEmpty()));

  const absl::Duration begin = Clock::Real().Uptime();
  lab->reset();

  // A hung daemon is not waited for: Process::Stop's patience is longer.
  EXPECT_LT(Clock::Real().Uptime() - begin, absl::Seconds(8));
  EXPECT_THAT(ProcessesAbout(folder), IsEmpty());
  EXPECT_EQ(Mounts(), mounts);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

// Starts a lab with a guest that runs, tells its folder in `file`, and dies
// without any cleanup.
[[noreturn]] void StartAndDie(const std::string& file) {
  const auto lab = Lab::Start({.qemu_hosts = 1});
  if (lab.ok() && (*lab)->host(0).Define({.name = "web01"}).ok() &&
      (*lab)->host(0).StartGuest("web01").ok()) {
    std::ofstream(file) << (*lab)->folder().path();
  }
  kill(getpid(), SIGKILL);
  abort();
}

TEST(LabDeathTest, DoesNotOutliveItsKilledParent) {
  // The parent is this program, run again.
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const std::string file = absl::StrCat(testing::TempDir(), "/lab_folder");

  EXPECT_EXIT(StartAndDie(file), testing::KilledBySignal(SIGKILL), "");

  std::string folder;
  std::ifstream(file) >> folder;
  ASSERT_THAT(folder, HasSubstr("rehai-lab"));
  EXPECT_THAT(WaitUntil(absl::Seconds(10), [&] { return Gone(folder); }),
              IsOk());
  // Files are all that such a death leaves.
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace rehai::lab
