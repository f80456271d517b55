// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// kill -9 at every step of a write to Chef and of a commit: the next run goes
// on from what was kept, and promises 1 and 3 hold.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/process.h"
#include "tests/lab/runfile.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::restart {
namespace {

using chef::FakeChefServer;
using integration::Eventually;
using integration::kShownPaused;
using integration::kShownRunning;
using integration::ShownIn;
using testing::AnyOf;
using testing::HasSubstr;
using Fault = FakeChefServer::Fault;

constexpr int kHosts = 2;
constexpr absl::Duration kPatience = absl::Minutes(1);

std::string NodeName(int host) { return absl::StrCat("hv", host); }

// The next request of that kind is carried out later.
Fault Late(const std::string& method, const std::string& node,
           absl::Duration delay) {
  Fault fault;
  fault.effect = Fault::Effect::kDelayOnly;
  fault.method = method;
  fault.node = node;
  fault.delay = delay;
  return fault;
}

class CrashTest : public testing::Test {
 protected:
  void SetUp() override {
    FakeChefServer::Options options;
    options.tls = true;
    options.on_put = [this](const std::string&, const auto&) {
      // Put in place, and nobody is told.
      if (const int victim = dies_on_put_.exchange(0); victim != 0) {
        kill(victim, SIGKILL);
      }
    };
    chef_ = FakeChefServer::Start(std::move(options));
    const RsaKeyPair key = MakeRsaKeyPair();
    chef_->AddClient("rehai", key.public_pem);
    auto folder = lab::TempFolder::Create("crash");
    ASSERT_THAT(folder, IsOk());
    folder_ = *std::move(folder);
    ASSERT_THAT(
        WriteFileAtomically(*folder_ / "key.pem", key.private_pkcs1, 0600),
        IsOk());
    std::string hosts;
    for (int i = 0; i < kHosts; ++i) {
      auto libvirtd = lab::FlatLibvirtd::Start();
      ASSERT_THAT(libvirtd, IsOk());
      libvirtds_.push_back(*std::move(libvirtd));
      chef_->SetNode(NodeName(i), integration::SmallNode(NodeName(i)));
      absl::StrAppend(&hosts, "  - node: ", NodeName(i),
                      "\n    uri: ", libvirtds_[i]->uri(), "\n");
    }
    ASSERT_THAT(
        WriteFileAtomically(
            *folder_ / "rehai.yaml",
            absl::StrCat("api:\n  listen: 127.0.0.1:0\nchef:\n  server_url: ",
                         chef_->url(),
                         "\n  client_name: rehai\n  client_key_file: key.pem\n"
                         "  ca_file: ",
                         chef_->ca_file(),
                         "\nrenderings:\n  kvm_extensions: true\n"
                         "  ohai_libvirt: true\n"
                         "sync:\n  window: 50ms\n  retry_max: 2s\n"
                         "  sweep_interval: 2s\nstate:\n  dir: state\nhosts:\n",
                         hosts),
            0600),
        IsOk());
  }

  // Starts the controller, to die at that step; empty: not.
  void Start(const std::string& die_at = "") {
    const auto program = lab::Runfile("tests/restart/dying-controller");
    ASSERT_THAT(program, IsOk());
    remove((*folder_ / "port").c_str());
    lab::Command command = {
        .argv = {*program, "--config", *folder_ / "rehai.yaml", "--port_file",
                 *folder_ / "port"},
        .log_file = *folder_ / "log"};
    if (!die_at.empty()) command.environment = {{"REHAI_DIE_AT", die_at}};
    auto process = lab::Process::Start(std::move(command));
    ASSERT_THAT(process, IsOk());
    controller_ = *std::move(process);
  }
  void AwaitServing() {
    ASSERT_THAT(controller_->WaitUntilReady(
                    kPatience,
                    [&]() -> absl::Status {
                      return ReadFile(*folder_ / "port").status();
                    }),
                IsOk());
    int port = 0;
    ASSERT_TRUE(absl::SimpleAtoi(*ReadFile(*folder_ / "port"), &port));
    front_end_ = std::make_unique<integration::FrontEnd>(
        absl::StrCat("127.0.0.1:", port));
  }
  void ExpectKilled() {
    const auto status = controller_->Wait(kPatience);
    ASSERT_THAT(status, IsOk());
    EXPECT_EQ(*status, 128 + SIGKILL)
        << ReadFile(*folder_ / "log").value_or("");
  }

  // Each host's guest changes to the other of its two states.
  void Change(int host) {
    const bool runs = shown_[host] == kShownRunning;
    ASSERT_THAT(libvirtds_[host]->Virsh({runs ? "suspend" : "resume", "test"}),
                IsOk());
    shown_[host] = runs ? kShownPaused : kShownRunning;
  }

  std::string InChef(int host) {
    return ShownIn(chef_->Node(NodeName(host)).value_or(""), "test");
  }

  void ExpectConvergence() {
    for (int i = 0; i < kHosts; ++i) {
      EXPECT_TRUE(Eventually([&] { return InChef(i); }, shown_[i], kPatience))
          << ReadFile(*folder_ / "log").value_or("");
      EXPECT_TRUE(Eventually(
          [&] { return front_end_->SyncStatusOf(NodeName(i)).state(); },
          v1::SYNC_STATE_SYNCED, kPatience));
    }
  }

  // It was killed. While it is down, one host changes; the next run answers at
  // once with what was known, and makes Chef true.
  void ExpectTheNextRunGoesOn() {
    ExpectKilled();
    Change(0);
    // Promise 1: nothing that happens to us takes a guest out of Chef.
    for (int i = 0; i < kHosts; ++i) {
      EXPECT_THAT(InChef(i), AnyOf(kShownRunning, kShownPaused));
    }
    Start();
    AwaitServing();
    for (int i = 0; i < kHosts; ++i) {
      EXPECT_THAT(front_end_->PresenceOf(NodeName(i)),
                  AnyOf(v1::PRESENCE_STALE, v1::PRESENCE_CURRENT));
      EXPECT_THAT(front_end_->StateOf("test"),
                  AnyOf("GUEST_STATE_RUNNING", "GUEST_STATE_PAUSED"));
    }
    ExpectConvergence();
    EXPECT_THAT(ReadFile(*folder_ / "log").value_or(""),
                testing::Not(HasSubstr("damaged")));
  }

  // The controller runs, Chef holds everything, and that is kept: a stop keeps
  // all there is, where a kill may lose the last moment.
  void StartWell() {
    Start();
    AwaitServing();
    ExpectConvergence();
    controller_->Stop();
    Start();
    AwaitServing();
    ExpectConvergence();
  }
  void Kill() { controller_->Signal(SIGKILL); }

  std::unique_ptr<FakeChefServer> chef_;
  std::atomic<int> dies_on_put_ = 0;
  std::unique_ptr<lab::TempFolder> folder_;
  std::vector<std::unique_ptr<lab::FlatLibvirtd>> libvirtds_;
  std::vector<std::string> shown_ =
      std::vector<std::string>(kHosts, kShownRunning);
  std::unique_ptr<lab::Process> controller_;
  std::unique_ptr<integration::FrontEnd> front_end_;
};

TEST_F(CrashTest, AtAnyStepOfACommitAndOfWhatFollowsAWrite) {
  StartWell();
  for (const char* point :
       {"store.begin:2", "store.hosts_written:2", "store.written:2",
        "store.committed:2", "sync.answered:1", "sync.learned:1"}) {
    SCOPED_TRACE(point);
    controller_->Stop();
    Start(point);
    // Until it dies, if not of its start.
    for (int i = 0; controller_->Running() && i < 300; ++i) {
      Change(i % kHosts);
      (void)controller_->Wait(absl::Milliseconds(400));
    }
    ExpectTheNextRunGoesOn();
  }
}

TEST_F(CrashTest, WhileTheNodeIsAskedFor) {
  StartWell();
  chef_->AddFault(Late("GET", NodeName(1), absl::Seconds(2)));
  const int64_t before = chef_->counters().gets;
  Change(1);
  EXPECT_TRUE(Eventually([&] { return chef_->counters().gets > before; }, true,
                         kPatience));
  Kill();
  ExpectTheNextRunGoesOn();
}

// The server takes it as late as it likes: here while the next run is at work.
TEST_F(CrashTest, WhileTheServerHasAPutAndCarriesItOutLater) {
  for (const absl::Duration delay :
       {absl::Milliseconds(500), absl::Seconds(4)}) {
    StartWell();
    chef_->AddFault(Late("PUT", NodeName(0), delay));
    const int64_t before = chef_->counters().puts;
    Change(0);
    EXPECT_TRUE(Eventually([&] { return chef_->counters().puts > before; },
                           true, kPatience));
    Kill();
    ExpectTheNextRunGoesOn();
    EXPECT_TRUE(Eventually(
        [&] {
          const auto counters = chef_->counters();
          return counters.puts == counters.puts_applied;
        },
        true, kPatience));
    ExpectConvergence();
    controller_->Stop();
  }
}

TEST_F(CrashTest, AfterThePutAndBeforeItsAnswer) {
  StartWell();
  dies_on_put_ = controller_->pid();
  Change(0);
  ExpectTheNextRunGoesOn();
  dies_on_put_ = controller_->pid();
  Change(1);
  ExpectTheNextRunGoesOn();
}

TEST_F(CrashTest, AtTheFirstWriteOfAll) {
  Start("sync.answered:1");
  ExpectKilled();
  StartWell();
}

}  // namespace
}  // namespace rehai::restart
