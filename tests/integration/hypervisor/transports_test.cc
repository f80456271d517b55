// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Every transport to a real libvirt daemon: it carries reads and events, and
// none can hold its caller past a deadline, even where keepalive never ends
// anything.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "hypervisor/connection.h"
#include "hypervisor/event_loop.h"
#include "hypervisor/libvirt_dialer.h"
#include "hypervisor/recording_listener.h"
#include "hypervisor/ssh_command.h"
#include "tests/integration/hypervisor/transport_host.h"
#include "tests/lab/libvirt_client.h"
#include "tests/lab/process.h"
#include "tests/lab/virsh.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// The guest that the test driver always has.
constexpr char kTestUuid[] = "6695eb01-f6a4-8304-79aa-97f2502e193f";

// The ssh processes that are ours: children of any of our threads.
std::vector<pid_t> SshChildren() {
  std::vector<pid_t> found;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    for (pid_t child = 0; children >> child;) {
      std::ifstream comm(absl::StrCat("/proc/", child, "/comm"));
      std::string name;
      if (comm >> name && name == "ssh") found.push_back(child);
    }
  }
  return found;
}

class TransportsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto host = TransportHost::Start();
    ASSERT_THAT(host, IsOk());
    host_ = host->release();
    // The test driver forgets everything when its last client leaves.
    auto holder = lab::LibvirtClient::Open(host_->Uri("unix"));
    ASSERT_THAT(holder, IsOk());
    holder_ = holder->release();
  }
  static void TearDownTestSuite() {
    delete std::exchange(holder_, nullptr);
    delete std::exchange(host_, nullptr);
  }

  void SetUp() override {
    ASSERT_NE(host_, nullptr);
    // libvirtd 9.0 crashes now and then when it goes on after a stop during
    // which its clients were cut off. That is the end of the test before, and
    // must not be that of this one.
    const bool answers = lab::LibvirtClient::Open(host_->Uri("unix")).ok();
    if (!answers || !host_->libvirtd().Running()) {
      TearDownTestSuite();
      ASSERT_NO_FATAL_FAILURE(SetUpTestSuite());
    }
    // Nothing but the timeouts can end a call.
    options_.keepalive_interval = absl::Hours(1);
    options_.connect_timeout = absl::Seconds(10);
    UseSsh({});
  }
  void TearDown() override {
    host_->libvirtd().Signal(SIGCONT);
    connection_.reset();
    EXPECT_EQ(LibvirtDialer::LeakedConnections(), 0);
    // The event loop lets go of them, a moment later.
    EXPECT_THAT(lab::WaitUntil(absl::Seconds(10),
                               [] {
                                 return SshChildren().empty()
                                            ? absl::OkStatus()
                                            : absl::InternalError("ssh stays");
                               }),
                IsOk());
  }

  static SshOptions Ssh() {
    return {.user = "root",
            .key_file = host_->client_key(),
            .known_hosts_file = host_->known_hosts(),
            .port = host_->ssh_port(),
            .config_file = "none"};
  }
  void UseSsh(SshOptions options) {
    auto command = SshCommand::Create(options.user.empty() ? Ssh() : options);
    ASSERT_THAT(command, IsOk());
    ssh_ = *std::move(command);
    options_.ssh_command = ssh_->path();
  }

  absl::Status Dial(absl::string_view transport) {
    auto connection = dialer_.Dial(host_->Uri(transport), options_, listener_);
    if (!connection.ok()) return connection.status();
    connection_ = *std::move(connection);
    return absl::OkStatus();
  }

  absl::Status Virsh(const std::string& verb) {
    return lab::RunVirsh(host_->Uri("unix"), {verb, "test"}).status();
  }

  v1::GuestState ReadState() {
    const auto inventory = connection_->Read({});
    EXPECT_THAT(inventory, IsOk());
    if (!inventory.ok() || inventory->guests.size() != 1) {
      return v1::GUEST_STATE_UNSPECIFIED;
    }
    return inventory->guests[0].state();
  }

  // How long `action` takes.
  template <typename Action>
  static absl::Duration Time(Action action) {
    const absl::Duration begun = Clock::Real().Uptime();
    action();
    return Clock::Real().Uptime() - begun;
  }

  static TransportHost* host_;
  static lab::LibvirtClient* holder_;

  const std::shared_ptr<EventLoop> loop_ = *EventLoop::Get();
  std::unique_ptr<SshCommand> ssh_;
  LibvirtDialer dialer_{Clock::Real()};
  RecordingListener listener_;
  DialOptions options_;
  std::unique_ptr<Connection> connection_;
};

TransportHost* TransportsTest::host_ = nullptr;
lab::LibvirtClient* TransportsTest::holder_ = nullptr;

class EachTransportTest : public TransportsTest,
                          public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Transports, EachTransportTest,
                         testing::Values("unix", "tcp", "tls", "ssh",
                                         "libssh2"),
                         [](const auto& info) { return info.param; });

TEST_P(EachTransportTest, CarriesReadsAndEvents) {
  ASSERT_THAT(Dial(GetParam()), IsOk());
  EXPECT_EQ(ReadState(), v1::GUEST_STATE_RUNNING);
  ASSERT_THAT(Virsh("suspend"), IsOk());
  EXPECT_TRUE(listener_.AwaitGuestEvent({kTestUuid}));
  EXPECT_EQ(ReadState(), v1::GUEST_STATE_PAUSED);
  ASSERT_THAT(Virsh("resume"), IsOk());
  EXPECT_TRUE(listener_.AwaitGuestEvent({kTestUuid}));
  EXPECT_EQ(ReadState(), v1::GUEST_STATE_RUNNING);
}

TEST_P(EachTransportTest, AReadFromAHungDaemonEndsAtItsTimeout) {
  options_.read_timeout = absl::Milliseconds(500);
  ASSERT_THAT(Dial(GetParam()), IsOk());
  ASSERT_EQ(ReadState(), v1::GUEST_STATE_RUNNING);
  host_->libvirtd().Signal(SIGSTOP);
  const absl::Duration taken = Time([&] {
    EXPECT_THAT(connection_->Read({}),
                StatusIs(absl::StatusCode::kDeadlineExceeded,
                         AllOf(HasSubstr(host_->Uri(GetParam())),
                               HasSubstr("within 500ms"))));
  });
  EXPECT_GE(taken, options_.read_timeout);
  EXPECT_LE(taken, options_.read_timeout + absl::Seconds(1));
  EXPECT_TRUE(listener_.AwaitClosed());
  EXPECT_LE(Time([&] {
              EXPECT_THAT(connection_->Read({}),
                          StatusIs(absl::StatusCode::kUnavailable));
            }),
            absl::Milliseconds(500));
  EXPECT_LE(Time([&] { connection_.reset(); }), absl::Seconds(1));
}

TEST_P(EachTransportTest, ClosingAConnectionToAHungDaemonEndsAtTheTimeout) {
  options_.read_timeout = absl::Milliseconds(500);
  ASSERT_THAT(Dial(GetParam()), IsOk());
  host_->libvirtd().Signal(SIGSTOP);
  EXPECT_LE(Time([&] { connection_.reset(); }),
            options_.read_timeout + absl::Seconds(1));
}

TEST_P(EachTransportTest, ADialToAHungDaemonEndsAtItsTimeout) {
  host_->libvirtd().Signal(SIGSTOP);
  options_.connect_timeout = absl::Seconds(1);
  EXPECT_LE(Time([&] {
              EXPECT_THAT(Dial(GetParam()),
                          StatusIs(absl::StatusCode::kDeadlineExceeded));
            }),
            options_.connect_timeout + absl::Milliseconds(500));
}

TEST_F(TransportsTest, SshGoesThroughAJumpHost) {
  SshOptions ssh = Ssh();
  ssh.jump = absl::StrCat("root@localhost:", host_->ssh_port());
  UseSsh(ssh);
  ASSERT_THAT(Dial("ssh"), IsOk());
  EXPECT_EQ(ReadState(), v1::GUEST_STATE_RUNNING);
}

// The dialer's own deadline comes after, and would only know that it passed.
TEST_F(TransportsTest, SshItselfGivesUpAPeerThatSaysNothing) {
  host_->libvirtd().Signal(SIGSTOP);
  SshOptions ssh = Ssh();
  ssh.port = host_->tcp_port();
  ssh.connect_timeout = absl::Seconds(3);
  UseSsh(ssh);
  options_.connect_timeout = ssh.connect_timeout;
  EXPECT_THAT(Dial("ssh"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("timed out")));
}

TEST_F(TransportsTest, AnotherHostKeyThanTheKnownOneIsRefused) {
  SshOptions ssh = Ssh();
  ssh.known_hosts_file = host_->wrong_hosts();
  UseSsh(ssh);
  EXPECT_THAT(Dial("ssh"),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       HasSubstr("the ssh host key is not the one we know")));
}

TEST_F(TransportsTest, AHostWhoseKeyIsNotKnownIsRefused) {
  SshOptions ssh = Ssh();
  ssh.known_hosts_file = host_->no_hosts();
  UseSsh(ssh);
  EXPECT_THAT(Dial("ssh"), StatusIs(absl::StatusCode::kUnauthenticated,
                                    HasSubstr("host key is not known")));
}

TEST_F(TransportsTest, AKeyThatTheHostDoesNotKnowIsRefusedByIt) {
  SshOptions ssh = Ssh();
  ssh.key_file = host_->strange_key();
  UseSsh(ssh);
  EXPECT_THAT(Dial("ssh"),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       AllOf(HasSubstr("Permission denied"),
                             HasSubstr("authorized_keys has our key"))));
}

// libvirt writes to it all the same, which must not end this process.
TEST_F(TransportsTest, AnSshThatIsKilledEndsItsConnectionAndNothingElse) {
  ASSERT_THAT(Dial("ssh"), IsOk());
  RecordingListener other_listener;
  auto other = dialer_.Dial(host_->Uri("unix"), options_, other_listener);
  ASSERT_THAT(other, IsOk());
  const std::vector<pid_t> children = SshChildren();
  ASSERT_THAT(children, SizeIs(1));
  ASSERT_EQ(kill(children[0], SIGKILL), 0);
  EXPECT_THAT(connection_->Read({}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(listener_.AwaitClosed());
  EXPECT_THAT((*other)->Read({}), IsOk());
}

// A read's timeout is for its own connection. The kernel gives the ssh that a
// dial's thread has left behind to the main thread, which is this one.
TEST_F(TransportsTest, AReadThatIsEndedLeavesOtherConnectionsSshAlone) {
  RecordingListener other_listener;
  auto other = dialer_.Dial(host_->Uri("ssh"), options_, other_listener);
  ASSERT_THAT(other, IsOk());
  options_.read_timeout = absl::Milliseconds(300);
  ASSERT_THAT(Dial("unix"), IsOk());
  host_->libvirtd().Signal(SIGSTOP);
  EXPECT_THAT(connection_->Read({}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  host_->libvirtd().Signal(SIGCONT);
  EXPECT_THAT((*other)->Read({}), IsOk());
  EXPECT_TRUE(other_listener.closed().empty());
}

}  // namespace
}  // namespace rehai::hypervisor
