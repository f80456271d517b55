// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Promise 1, "Silence is not absence", and promise 6, "One sick host hurts only
// itself", with hypervisors that die, come back, and hang.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/fleet_file.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/lab.h"
#include "tests/matchers.h"

namespace rehai::integration {
namespace {

using ::testing::Each;
using ::testing::Ge;
using ::testing::Property;
using ::testing::SizeIs;

// A hung hypervisor is given up after three seconds, and dialed again soon.
constexpr char kImpatient[] =
    "pull: {keepalive_interval: 1s, keepalive_count: 2, reconnect_max: 1s}\n";

// kvm1 has QEMU, sim1 and sim2 are simulated.
class LibvirtdRestartTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = chef->release();
    auto lab = lab::Lab::Start({.qemu_hosts = 1, .test_hosts = 2});
    ASSERT_THAT(lab, IsOk());
    lab_ = lab->release();
    for (int i = 0; i < lab_->size(); ++i) {
      ASSERT_THAT(chef_->CreateNode(SmallNode(lab_->host(i).node())), IsOk());
    }
    auto controller = lab::ControllerProcess::Start(
        *chef_, {.hosts = lab::HostsOf(*lab_), .more_config = kImpatient});
    ASSERT_THAT(controller, IsOk());
    controller_ = controller->release();
    front_end_ = new FrontEnd(controller_->address());
  }
  static void TearDownTestSuite() {
    delete std::exchange(front_end_, nullptr);
    delete std::exchange(controller_, nullptr);
    delete std::exchange(lab_, nullptr);
    delete std::exchange(chef_, nullptr);
  }

  void SetUp() override {
    ASSERT_NE(front_end_, nullptr);
    for (int i = 0; i < lab_->size(); ++i) {
      ExpectPresence(lab_->host(i), v1::PRESENCE_CURRENT);
    }
  }

  static std::string Node(const lab::Host& host) {
    return chef_->GetNode(host.node()).value_or("");
  }

  static void ExpectShown(const lab::Host& host, const std::string& guest,
                          const std::string& shown) {
    EXPECT_TRUE(Eventually([&] { return ShownIn(Node(host), guest); }, shown));
  }

  static void ExpectPresence(const lab::Host& host, v1::Presence presence) {
    EXPECT_TRUE(Eventually(
        [&] { return v1::Presence_Name(front_end_->PresenceOf(host.node())); },
        v1::Presence_Name(presence)));
  }

  static void DefineAndStart(lab::Host& host, const std::string& guest) {
    ASSERT_THAT(host.Define({.name = guest}), IsOk());
    ASSERT_THAT(host.StartGuest(guest), IsOk());
    ExpectShown(host, guest, kShownRunning);
  }

  static lab::Goiardi* chef_;
  static lab::Lab* lab_;
  static lab::ControllerProcess* controller_;
  static FrontEnd* front_end_;
};

lab::Goiardi* LibvirtdRestartTest::chef_ = nullptr;
lab::Lab* LibvirtdRestartTest::lab_ = nullptr;
lab::ControllerProcess* LibvirtdRestartTest::controller_ = nullptr;
FrontEnd* LibvirtdRestartTest::front_end_ = nullptr;

// The process id of a guest's QEMU, or 0.
pid_t QemuOf(const std::string& guest) {
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc", error)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    const std::string command =
        ReadFile(absl::StrCat("/proc/", pid, "/cmdline")).value_or("");
    if (absl::StrContains(command, absl::StrCat("guest=", guest, ","))) {
      return pid;
    }
  }
  return 0;
}

TEST_F(LibvirtdRestartTest, GuestsOutliveTheSilenceOfTheirLibvirtd) {
  lab::Host& host = lab_->host(0);
  // Of this run only, so that its process is nobody else's.
  const std::string crashed = absl::StrCat("crashed-", getpid());
  DefineAndStart(host, "stays");
  DefineAndStart(host, crashed);
  const std::string before = Node(host);

  host.Kill();

  ExpectPresence(host, v1::PRESENCE_STALE);
  const auto guests = front_end_->ListGuests(host.node());
  ASSERT_THAT(guests, IsOk());
  EXPECT_THAT(*guests, SizeIs(Ge(2)));
  EXPECT_THAT(*guests,
              Each(Property(&v1::LocatedGuest::presence, v1::PRESENCE_STALE)));
  EXPECT_EQ(front_end_->StateOf("stays"), "GUEST_STATE_RUNNING");
  EXPECT_EQ(Node(host), before);

  // A change that nobody was there to tell of.
  const pid_t qemu = QemuOf(crashed);
  ASSERT_NE(qemu, 0);
  ASSERT_EQ(kill(qemu, SIGKILL), 0);
  ASSERT_THAT(host.Restart(), IsOk());

  ExpectShown(host, crashed, kShownShutOff);
  ExpectShown(host, "stays", kShownRunning);
  ExpectPresence(host, v1::PRESENCE_CURRENT);
  // And it is watched again.
  ASSERT_THAT(host.Suspend("stays"), IsOk());
  ExpectShown(host, "stays", kShownPaused);
}

TEST_F(LibvirtdRestartTest, AHypervisorThatCameBackWithOtherGuestsIsBelieved) {
  lab::Host& host = lab_->host(1);
  DefineAndStart(host, "forgotten");
  const std::string before = Node(host);

  host.Kill();

  ExpectPresence(host, v1::PRESENCE_STALE);
  EXPECT_EQ(front_end_->StateOf("forgotten"), "GUEST_STATE_RUNNING");
  EXPECT_EQ(Node(host), before);

  // The test driver keeps its guests in memory: this is an empty hypervisor.
  ASSERT_THAT(host.Restart(), IsOk());

  ExpectShown(host, "forgotten", kShownNowhere);
  ExpectShown(host, "test", kShownRunning);
  ExpectPresence(host, v1::PRESENCE_CURRENT);
}

TEST_F(LibvirtdRestartTest, AHungHypervisorHoldsUpNoOther) {
  lab::Host& hung = lab_->host(1);
  const std::string before = Node(hung);
  DefineAndStart(lab_->host(0), "web01");
  DefineAndStart(lab_->host(2), "web02");

  hung.Hang();

  // Before anybody could know that it hangs, and after.
  for (const bool known : {false, true}) {
    SCOPED_TRACE(known);
    if (known) ExpectPresence(hung, v1::PRESENCE_STALE);
    ASSERT_THAT(lab_->host(0).Suspend("web01"), IsOk());
    ASSERT_THAT(lab_->host(2).Suspend("web02"), IsOk());
    ExpectShown(lab_->host(0), "web01", kShownPaused);
    ExpectShown(lab_->host(2), "web02", kShownPaused);
    ASSERT_THAT(lab_->host(0).ResumeGuest("web01"), IsOk());
    ASSERT_THAT(lab_->host(2).ResumeGuest("web02"), IsOk());
    ExpectShown(lab_->host(0), "web01", kShownRunning);
    ExpectShown(lab_->host(2), "web02", kShownRunning);
  }
  EXPECT_EQ(Node(hung), before);

  hung.Resume();

  ExpectPresence(hung, v1::PRESENCE_CURRENT);
  ASSERT_THAT(hung.Suspend("test"), IsOk());
  ExpectShown(hung, "test", kShownPaused);
}

}  // namespace
}  // namespace rehai::integration
