// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_dialer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "hypervisor/event_loop.h"
#include "hypervisor/recording_listener.h"
#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::HasSubstr;

// Accepts as the kernel does, and never says a word.
class MutePeer {
 public:
  static MutePeer Tcp(int backlog) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return MutePeer(address, backlog);
  }
  static MutePeer Unix(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return MutePeer(address, 5);
  }
  ~MutePeer() {
    close(filler_);
    close(listener_);
  }
  MutePeer(const MutePeer&) = delete;

  int port() const { return port_; }

  // Fills the backlog of a TcpPeer(0): the next connect gets no answer at all.
  void TurnIntoABlackHole() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    filler_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(filler_, reinterpret_cast<sockaddr*>(&address),
                      sizeof(address)),
              0);
  }

 private:
  template <typename Address>
  MutePeer(Address address, int backlog) {
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    listener_ = socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(listener_, generic, sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, backlog), 0);
    if constexpr (std::is_same_v<Address, sockaddr_in>) {
      socklen_t size = sizeof(address);
      EXPECT_EQ(getsockname(listener_, generic, &size), 0);
      port_ = ntohs(address.sin_port);
    }
  }

  int listener_ = -1;
  int filler_ = -1;
  int port_ = 0;
};

int Descriptors() {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

constexpr char kOpening[] = "libvirt-open";
constexpr char kLooping[] = "libvirt-events";

// A joined thread may be listed for another moment.
int ThreadsNamed(const std::string& name) {
  int count = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream comm(task.path() / "comm");
    std::string found;
    std::getline(comm, found);
    if (found == name) ++count;
  }
  return count;
}

// True once `condition` is, looked at again and again for ten seconds.
bool Eventually(absl::FunctionRef<bool()> condition) {
  const Clock& clock = Clock::Real();
  const absl::Duration deadline = clock.Uptime() + absl::Seconds(10);
  while (!condition()) {
    if (clock.Uptime() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class LibvirtDialerTest : public testing::Test {
 protected:
  LibvirtDialerTest() { options_.connect_timeout = absl::Milliseconds(300); }

  // A dial that must miss its deadline, and leave nothing behind.
  void ExpectMissesItsDeadline(const std::string& uri) {
    const Clock& clock = Clock::Real();
    // The first makes what libvirt makes once and keeps.
    EXPECT_THAT(dialer_.Dial(uri, options_, listener_),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
    const int descriptors = Descriptors();
    const absl::Duration begun = clock.Uptime();
    EXPECT_THAT(dialer_.Dial(uri, options_, listener_),
                StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr(uri)));
    const absl::Duration taken = clock.Uptime() - begun;
    EXPECT_GE(taken, options_.connect_timeout);
    EXPECT_LE(taken, options_.connect_timeout + absl::Milliseconds(500));
    EXPECT_TRUE(Eventually([] { return ThreadsNamed(kOpening) == 0; }));
    // libvirt closes some on the event loop, a moment later.
    EXPECT_TRUE(Eventually([&] { return Descriptors() <= descriptors; }));
  }

  // Kept running throughout, as in a controller.
  const std::shared_ptr<EventLoop> loop_ = *EventLoop::Get();
  LibvirtDialer dialer_{Clock::Real()};
  RecordingListener listener_;
  DialOptions options_;
};

TEST_F(LibvirtDialerTest, ADialToAMuteUnixSocketEndsAtItsDeadline) {
  const std::string path = absl::StrCat("/tmp/rehai-mute-", getpid(), ".sock");
  MutePeer peer = MutePeer::Unix(path);
  ExpectMissesItsDeadline("test+unix:///default?socket=" + path);
  unlink(path.c_str());
}

TEST_F(LibvirtDialerTest, ADialToAMuteTcpPeerEndsAtItsDeadline) {
  MutePeer peer = MutePeer::Tcp(5);
  ExpectMissesItsDeadline(
      absl::StrCat("test+tcp://127.0.0.1:", peer.port(), "/default"));
}

TEST_F(LibvirtDialerTest, ADialOfAMuteSshServerEndsAtItsDeadline) {
  MutePeer peer = MutePeer::Tcp(5);
  ExpectMissesItsDeadline(
      absl::StrCat("test+ssh://127.0.0.1:", peer.port(), "/default"));
}

TEST_F(LibvirtDialerTest, ADialIntoABlackHoleEndsAtItsDeadline) {
  MutePeer peer = MutePeer::Tcp(0);
  peer.TurnIntoABlackHole();
  ExpectMissesItsDeadline(
      absl::StrCat("test+tcp://127.0.0.1:", peer.port(), "/default"));
  ExpectMissesItsDeadline(
      absl::StrCat("test+ssh://127.0.0.1:", peer.port(), "/default"));
  ExpectMissesItsDeadline(
      absl::StrCat("test+libssh2://127.0.0.1:", peer.port(), "/default"));
}

TEST_F(LibvirtDialerTest, WhatCannotWorkIsToldFromWhatTimeMayHeal) {
  EXPECT_THAT(dialer_.Dial("nonsense", options_, listener_),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(dialer_.Dial("qemu+pigeon://hv1/system", options_, listener_),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      dialer_.Dial("test+ssh://127.0.0.1:1/default", options_, listener_),
      StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(
      dialer_.Dial("test+unix:///default?socket=/no/such/socket", options_,
                   listener_),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("/no/such/socket")));
}

// An ssh that ignores SIGTERM stands for whatever cannot be ended.
TEST_F(LibvirtDialerTest, AnOpenThatCannotBeEndedIsAbandonedAndOnlyOnePerUri) {
  const std::string script = testing::TempDir() + "/stubborn";
  const std::string fifo = testing::TempDir() + "/release";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::ofstream(script) << "#!/bin/sh\ntrap '' TERM\nread line < " << fifo
                        << "\n";
  ASSERT_EQ(chmod(script.c_str(), 0700), 0);
  const std::string uri = "test+ssh://stubborn/default?command=" + script;

  EXPECT_THAT(
      dialer_.Dial(uri, options_, listener_),
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("hangs")));
  EXPECT_THAT(dialer_.Dial(uri, options_, listener_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("hangs")));
  EXPECT_THAT(dialer_.Dial("test:///default", options_, listener_), IsOk());

  // When it has ended, the URI is dialed again: a new ssh opens the fifo.
  ASSERT_EQ(close(open(fifo.c_str(), O_WRONLY)), 0);
  EXPECT_TRUE(Eventually([] { return ThreadsNamed(kOpening) == 0; }));
  EXPECT_THAT(dialer_.Dial(uri, options_, listener_),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  ASSERT_EQ(close(open(fifo.c_str(), O_WRONLY)), 0);
  EXPECT_TRUE(Eventually([] { return ThreadsNamed(kOpening) == 0; }));
}

TEST(EventLoopTest, LivesAsLongAsAConnectionAndStartsAgain) {
  LibvirtDialer dialer(Clock::Real());
  RecordingListener listener;
  for (int i = 0; i < 3; ++i) {
    auto connection = dialer.Dial("test:///default", {}, listener);
    ASSERT_THAT(connection, IsOk());
    EXPECT_TRUE(Eventually([] { return ThreadsNamed(kLooping) == 1; }));
    connection->reset();
    EXPECT_TRUE(Eventually([] { return ThreadsNamed(kLooping) == 0; }));
  }
}

}  // namespace
}  // namespace rehai::hypervisor
