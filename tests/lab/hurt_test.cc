// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// That each hurt does to plain clients what it says, to its host alone, and is
// undone by Heal().

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "tests/lab/lab.h"
#include "tests/lab/lab_command.h"
#include "tests/lab/lab_console.h"
#include "tests/lab/libvirt_client.h"
#include "tests/lab/process.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// How long is looked at what must not happen.
constexpr absl::Duration kMoment = absl::Milliseconds(700);
constexpr int kHosts = 6;
constexpr int kGuests = 10;

absl::StatusOr<std::unique_ptr<LibvirtClient>> Open(const Host& host) {
  return LibvirtClient::Open(host.uri());
}

// What a client that gives up after a moment sees.
absl::Status AskInAMoment(const Host& host) {
  return RunProgram({.argv = {"virsh", "-c", host.uri(), "list"}}, "", kMoment)
      .status();
}

class HurtTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto lab = Lab::Start(
        {.test_hosts = kHosts, .guests = kGuests, .linked_hosts = kHosts});
    ASSERT_THAT(lab, IsOk());
    lab_ = lab->release();
  }
  static void TearDownTestSuite() { delete std::exchange(lab_, nullptr); }

  void SetUp() override {
    ASSERT_NE(lab_, nullptr);
    for (int i = 0; i < kHosts; ++i) {
      auto client = Open(lab_->host(i));
      ASSERT_THAT(client, IsOk());
      clients_.push_back(std::move(*client));
    }
  }
  void TearDown() override {
    if (lab_ == nullptr) return;
    EXPECT_THAT(lab_->HealAll(), IsOk());
  }

  Host& host() { return lab_->host(0); }
  // Somebody who was connected before the hurt, by ssh.
  LibvirtClient& client() { return *clients_[0]; }

  void ExpectTheOthersAreWell() {
    for (int i = 1; i < kHosts; ++i) {
      EXPECT_THAT(clients_[i]->List(), IsOkAndHolds(SizeIs(kGuests)));
    }
  }

  // For whoever connects anew; nothing that it had is lost.
  void ExpectHealed() {
    ASSERT_THAT(host().Heal(), IsOk());
    const auto anew = Open(host());
    ASSERT_THAT(anew, IsOk());
    EXPECT_THAT((*anew)->List(), IsOkAndHolds(SizeIs(kGuests)));
  }

  static Lab* lab_;
  std::vector<std::unique_ptr<LibvirtClient>> clients_;
};

Lab* HurtTest::lab_ = nullptr;

TEST_F(HurtTest, WithoutAnyHostsAreReachedBySshUnderTheirNames) {
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_THAT(clients_[i]->Hostname(), IsOkAndHolds(lab_->host(i).node()));
    const auto guests = clients_[i]->List();
    ASSERT_THAT(guests, IsOk());
    ASSERT_THAT(*guests, SizeIs(kGuests));
    int running = 0;
    for (const ShownGuest& guest : *guests) {
      EXPECT_THAT(guest.name, HasSubstr(absl::StrCat("vm", i + 1, "-")));
      running += guest.state == GuestState::kRunning;
    }
    EXPECT_EQ(running, kGuests - 1);
  }
  EXPECT_NE(lab_->host(0).ssh_host_key(), lab_->host(1).ssh_host_key());
}

TEST_F(HurtTest, WithoutAnyBareUrisNeedNothingButTheLabsSshFiles) {
  for (const std::string& known : {lab_->known_hosts_file(), std::string()}) {
    const auto result = RunProgram(
        {.argv = {"ssh", "-F", lab_->ssh_hosts_file(), "-i", lab_->key_file(),
                  "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
                  "-o", "IdentitiesOnly=yes", "-o",
                  absl::StrCat("UserKnownHostsFile=",
                               known.empty() ? "none" : known),
                  absl::StrCat("root@", host().node()), "hostname"}});
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(result->output,
              known.empty() ? "" : absl::StrCat(host().node(), "\n"))
        << result->error;
  }
}

TEST_F(HurtTest, WithoutAnyLibvirtsOwnComplaintIsToldAndTheGuestStays) {
  EXPECT_THAT(
      host().StartGuest("vm1-1"),
      StatusIs(absl::StatusCode::kInternal, HasSubstr("already running")));
  EXPECT_THAT(host().Suspend("nobody"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("nobody")));
  EXPECT_THAT(host().guests(), SizeIs(kGuests));
}

TEST_F(HurtTest, AKilledOneEndsItsConnectionsAndHealsWithItsGuests) {
  ASSERT_THAT(host().Suspend("vm1-1"), IsOk());

  host().Kill();

  EXPECT_THAT(client().List(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Open(host()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(host().Suspend("vm1-2"),
              StatusIs(absl::StatusCode::kUnavailable));
  ExpectTheOthersAreWell();
  ExpectHealed();
  const auto anew = Open(host());
  ASSERT_THAT(anew, IsOk());
  const auto guests = (*anew)->List();
  ASSERT_THAT(guests, IsOk());
  for (const ShownGuest& guest : *guests) {
    if (guest.name == "vm1-1") {
      EXPECT_EQ(guest.state, GuestState::kPaused);
      EXPECT_EQ(guest.uuid, FleetGuest(1, 1).uuid);
    }
  }
  ASSERT_THAT(host().ResumeGuest("vm1-1"), IsOk());
}

TEST_F(HurtTest, AHungOneAnswersNobodyUntilItIsResumed) {
  host().Hang();
  auto asked = std::async(std::launch::async,
                          [this] { return client().List().status(); });

  EXPECT_THAT(AskInAMoment(host()),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(asked.wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
  // Not even we wait for it.
  EXPECT_THAT(host().Suspend("vm1-2"),
              StatusIs(absl::StatusCode::kUnavailable));
  ExpectTheOthersAreWell();

  host().Resume();

  // On the same connection.
  EXPECT_THAT(asked.get(), IsOk());
  EXPECT_THAT(client().List(), IsOkAndHolds(SizeIs(kGuests)));
}

TEST_F(HurtTest, AWrongHostKeyIsNoticedByWhoWasConnectedAndWhoConnects) {
  ASSERT_THAT(host().WrongHostKey(), IsOk());

  EXPECT_THAT(client().List(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Open(host()), StatusIs(absl::StatusCode::kUnavailable,
                                     HasSubstr("Host key verification")));
  ExpectTheOthersAreWell();
  ExpectHealed();
}

TEST_F(HurtTest, SshIsRefusedToWhoWasConnectedAndWhoConnects) {
  ASSERT_THAT(host().RefuseSsh(), IsOk());

  EXPECT_THAT(client().List(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Open(host()), StatusIs(absl::StatusCode::kUnavailable,
                                     HasSubstr("Connection refused")));
  ExpectTheOthersAreWell();
  ExpectHealed();
}

TEST_F(HurtTest, ASlowLinkAddsItsDelayToEachRoundTrip) {
  constexpr absl::Duration kDelay = absl::Milliseconds(50);
  host().link()->SetDelay(kDelay);

  const absl::Duration begin = Clock::Real().Uptime();
  EXPECT_THAT(client().Hostname(), IsOk());

  EXPECT_GE(Clock::Real().Uptime() - begin, 2 * kDelay);
  ExpectTheOthersAreWell();
  ExpectHealed();
}

TEST_F(HurtTest, ABlackHoleIsMuteAndWhatWasAskedIsAnsweredOnceHealed) {
  host().link()->BlackHole();
  auto asked = std::async(std::launch::async,
                          [this] { return client().List().status(); });

  EXPECT_THAT(AskInAMoment(host()),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(asked.wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
  ExpectTheOthersAreWell();
  // Its guests change all the same.
  EXPECT_THAT(host().Suspend("vm1-3"), IsOk());
  EXPECT_THAT(host().ResumeGuest("vm1-3"), IsOk());

  ExpectHealed();
  EXPECT_THAT(asked.get(), IsOk());
}

TEST_F(HurtTest, ACutEndsConnectionsOnce) {
  host().link()->Cut();

  EXPECT_THAT(client().List(), StatusIs(absl::StatusCode::kUnavailable));
  ExpectTheOthersAreWell();
  EXPECT_THAT(Open(host()), IsOk());
}

TEST_F(HurtTest, ARestartOfAllEndsAllConnectionsAndLosesNoGuest) {
  ASSERT_THAT(lab_->RestartAll(), IsOk());

  for (int i = 0; i < kHosts; ++i) {
    EXPECT_THAT(clients_[i]->List(), StatusIs(absl::StatusCode::kUnavailable));
    const auto anew = Open(lab_->host(i));
    ASSERT_THAT(anew, IsOk());
    EXPECT_THAT((*anew)->List(), IsOkAndHolds(SizeIs(kGuests)));
  }
}

TEST_F(HurtTest, AMigrationLeavesTheGuestInOnePlace) {
  ASSERT_THAT(host().MigrateTo(lab_->host(1), "vm1-4"), IsOk());

  EXPECT_THAT(client().List(), IsOkAndHolds(SizeIs(kGuests - 1)));
  EXPECT_THAT(clients_[1]->List(), IsOkAndHolds(SizeIs(kGuests + 1)));
  ASSERT_THAT(lab_->host(1).MigrateTo(host(), "vm1-4"), IsOk());
  EXPECT_THAT(client().List(), IsOkAndHolds(SizeIs(kGuests)));
}

TEST_F(HurtTest, AMigrationToAHurtHostChangesNothing) {
  lab_->host(1).Hang();

  EXPECT_THAT(host().MigrateTo(lab_->host(1), "vm1-4"),
              StatusIs(absl::StatusCode::kUnavailable));

  EXPECT_THAT(client().List(), IsOkAndHolds(SizeIs(kGuests)));
}

TEST_F(HurtTest, ItsOperatorHurtsAndHealsHostsByCommands) {
  LabConsole console(*lab_, nullptr);
  const auto type = [&](const std::string& line) {
    const auto command = ParseLabCommand(line);
    return command.ok() ? console.Execute(*command) : command.status();
  };

  for (const char* line : {"kill sim1", "hang sim2", "slow sim3 1ms",
                           "blackhole sim4", "wrongkey sim5", "refuse sim6"}) {
    EXPECT_THAT(type(line), IsOk()) << line;
  }

  EXPECT_THAT(type("list"), IsOkAndHolds(AllOf(
                                HasSubstr("killed"), HasSubstr("hangs"),
                                HasSubstr("slow 1ms"), HasSubstr("black hole"),
                                HasSubstr("wrong key"), HasSubstr("refuses"))));
  EXPECT_THAT(Open(lab_->host(0)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(AskInAMoment(lab_->host(3)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(type("churn 5"), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(type("heal all"), IsOk());
  EXPECT_THAT(type("list"), IsOkAndHolds(Not(HasSubstr("killed"))));
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_THAT(Open(lab_->host(i)), IsOk());
  }
}

std::string Mounts() {
  std::ifstream file("/proc/mounts");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string ProcessesAbout(const std::string& text) {
  const auto found = RunProgram({.argv = {"pgrep", "-f", text}});
  return found.ok() ? found->output : found.status().ToString();
}

TEST(HurtLabTest, LeavesNothingHoweverItIsHurt) {
  const std::string mounts = Mounts();
  auto lab = Lab::Start({.test_hosts = 6, .guests = 3, .linked_hosts = 6});
  ASSERT_THAT(lab, IsOk());
  const std::string folder = (*lab)->folder().path();
  std::vector<std::unique_ptr<LibvirtClient>> clients;
  for (int i = 0; i < 6; ++i) {
    auto client = Open((*lab)->host(i));
    ASSERT_THAT(client, IsOk());
    clients.push_back(std::move(*client));
  }
  (*lab)->host(0).Kill();
  (*lab)->host(1).Hang();
  (*lab)->host(2).link()->SetDelay(absl::Seconds(10));
  (*lab)->host(3).link()->BlackHole();
  ASSERT_THAT((*lab)->host(4).WrongHostKey(), IsOk());
  ASSERT_THAT((*lab)->host(5).RefuseSsh(), IsOk());

  lab->reset();
  clients.clear();

  EXPECT_THAT(ProcessesAbout(folder), IsEmpty());
  EXPECT_EQ(Mounts(), mounts);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace rehai::lab
