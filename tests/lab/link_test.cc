// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/link.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/matchers.h"

namespace rehai::lab {
namespace {

// Longer than anything takes on this machine.
constexpr absl::Duration kPatience = absl::Seconds(20);
// How long is looked at what must not happen.
constexpr absl::Duration kMoment = absl::Milliseconds(200);

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int BeginToConnect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_in address = Loopback(port);
  connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return fd;
}

// One end of a connection.
class End {
 public:
  explicit End(int fd) : fd_(fd) {}
  ~End() { close(fd_); }
  End(const End&) = delete;

  // Whether the handshake came to an end, and which: 0 or an errno.
  bool Connects(absl::Duration patience) {
    if (!Ready(POLLOUT, patience)) return false;
    socklen_t size = sizeof(error_);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error_, &size);
    return true;
  }
  int error() const { return error_; }

  void Send(const std::string& text) {
    ASSERT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void FinishSending() { shutdown(fd_, SHUT_WR); }

  // What came within `patience`: "" for nothing, "end", "reset" or text.
  std::string Receive(absl::Duration patience = kPatience) {
    if (!Ready(POLLIN, patience)) return "";
    char buffer[4096];
    const ssize_t got = recv(fd_, buffer, sizeof(buffer), 0);
    if (got < 0) return errno == ECONNRESET ? "reset" : strerror(errno);
    return got == 0 ? "end" : std::string(buffer, got);
  }

  int fd() const { return fd_; }

 private:
  bool Ready(short events, absl::Duration patience) {
    pollfd wait = {fd_, events, 0};
    return poll(&wait, 1, absl::ToInt64Milliseconds(patience)) > 0;
  }

  const int fd_;
  int error_ = 0;
};

// A server in the test's hands.
class Server {
 public:
  Server() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    bind(fd_, reinterpret_cast<const sockaddr*>(&address), size);
    listen(fd_, 100);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Server() { close(fd_); }
  int port() const { return port_; }

  // The next connection; waits for it.
  std::unique_ptr<End> Accept() {
    return std::make_unique<End>(
        accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }

 private:
  const int fd_;
  int port_ = 0;
};

class LinkTest : public testing::Test {
 protected:
  void SetUp() override {
    auto relay = Relay::Start();
    ASSERT_THAT(relay, IsOk());
    relay_ = std::move(*relay);
    auto link = Link::Open(*relay_, server_.port());
    ASSERT_THAT(link, IsOk());
    link_ = std::move(*link);
  }

  // Both ends of a connection through the link, which has carried something.
  void Connect() {
    near_ = std::make_unique<End>(BeginToConnect(link_->port()));
    ASSERT_TRUE(near_->Connects(kPatience));
    far_ = server_.Accept();
    near_->Send("hello");
    ASSERT_EQ(far_->Receive(), "hello");
  }

  Server server_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Link> link_;
  std::unique_ptr<End> near_;
  std::unique_ptr<End> far_;
};

TEST_F(LinkTest, CarriesBothWaysAndEndsEachWayByItself) {
  Connect();
  far_->Send("yes?");
  EXPECT_EQ(near_->Receive(), "yes?");

  near_->FinishSending();
  EXPECT_EQ(far_->Receive(), "end");
  far_->Send("bye");
  EXPECT_EQ(near_->Receive(), "bye");
  far_->FinishSending();
  EXPECT_EQ(near_->Receive(), "end");
}

TEST_F(LinkTest, CarriesMoreThanItHoldsWithoutLossToWhoReadsLate) {
  Connect();
  const std::string block(1 << 20, 'x');
  constexpr size_t kBlocks = 20;
  std::thread sender([&] {
    for (size_t i = 0; i < kBlocks; ++i) {
      for (size_t sent = 0; sent < block.size();) {
        pollfd wait = {near_->fd(), POLLOUT, 0};
        poll(&wait, 1, -1);
        const ssize_t n = send(near_->fd(), block.data() + sent,
                               block.size() - sent, MSG_NOSIGNAL);
        if (n > 0) sent += n;
      }
    }
    near_->FinishSending();
  });
  size_t received = 0;
  std::string text;
  while ((text = far_->Receive()) != "end" && !text.empty()) {
    received += text.size();
  }
  sender.join();
  EXPECT_EQ(received, kBlocks * block.size());
}

TEST_F(LinkTest, ADelayIsAddedEachWay) {
  Connect();
  link_->SetDelay(absl::Milliseconds(100));
  const absl::Duration begin = Clock::Real().Uptime();

  near_->Send("there");
  EXPECT_EQ(far_->Receive(), "there");
  EXPECT_GE(Clock::Real().Uptime() - begin, absl::Milliseconds(100));
  far_->Send("back");
  EXPECT_EQ(near_->Receive(), "back");
  EXPECT_GE(Clock::Real().Uptime() - begin, absl::Milliseconds(200));

  // An end takes its time like a byte, and costs no processor meanwhile.
  near_->FinishSending();
  EXPECT_EQ(far_->Receive(), "end");
  EXPECT_GE(Clock::Real().Uptime() - begin, absl::Milliseconds(300));
}

TEST_F(LinkTest, ALongDelayBreaksNoOrderWhenItEnds) {
  Connect();
  link_->SetDelay(kMoment);
  near_->Send("first ");
  EXPECT_EQ(far_->Receive(kMoment / 4), "");
  link_->Heal();
  near_->Send("second");

  std::string all;
  while (all.size() < 12) {
    const std::string text = far_->Receive();
    ASSERT_NE(text, "");
    all += text;
  }
  EXPECT_EQ(all, "first second");
}

TEST_F(LinkTest, ABlackHoleIsMuteToTheConnectedAndSilentToNewcomers) {
  Connect();

  link_->BlackHole();

  near_->Send("anybody?");
  EXPECT_EQ(far_->Receive(kMoment), "");
  far_->Send("nobody");
  EXPECT_EQ(near_->Receive(kMoment), "");
  End newcomers[] = {End(BeginToConnect(link_->port())),
                     End(BeginToConnect(link_->port())),
                     End(BeginToConnect(link_->port()))};
  for (End& newcomer : newcomers) {
    EXPECT_FALSE(newcomer.Connects(kMoment)) << newcomer.error();
  }

  link_->Heal();

  EXPECT_EQ(far_->Receive(), "anybody?");
  EXPECT_EQ(near_->Receive(), "nobody");
  // By TCP's own repetition.
  for (End& newcomer : newcomers) {
    ASSERT_TRUE(newcomer.Connects(kPatience));
    EXPECT_EQ(newcomer.error(), 0);
  }
}

TEST_F(LinkTest, ABlackHoleDoesNotShowThatOneEndHasLeft) {
  Connect();
  link_->BlackHole();
  far_.reset();

  EXPECT_EQ(near_->Receive(kMoment), "");
  link_->Heal();
  EXPECT_THAT(near_->Receive(), testing::AnyOf("end", "reset"));
}

TEST_F(LinkTest, ACutResetsConnectionsAndLetsNewOnesPass) {
  Connect();

  link_->Cut();

  EXPECT_EQ(near_->Receive(), "reset");
  EXPECT_EQ(far_->Receive(), "reset");
  Connect();
}

TEST_F(LinkTest, RefusesUntilItIsHealed) {
  Connect();

  link_->Refuse();

  EXPECT_EQ(near_->Receive(), "reset");
  End refused(BeginToConnect(link_->port()));
  ASSERT_TRUE(refused.Connects(kPatience));
  EXPECT_EQ(refused.error(), ECONNREFUSED);
  link_->Heal();
  Connect();
}

TEST_F(LinkTest, HurtsFollowOneAnother) {
  link_->BlackHole();
  link_->Refuse();
  End refused(BeginToConnect(link_->port()));
  ASSERT_TRUE(refused.Connects(kPatience));
  EXPECT_EQ(refused.error(), ECONNREFUSED);

  link_->BlackHole();
  End silenced(BeginToConnect(link_->port()));
  EXPECT_FALSE(silenced.Connects(kMoment)) << silenced.error();

  link_->Heal();
  link_->Heal();
  Connect();
}

TEST_F(LinkTest, OneLinkIsHurtAndAnotherIsNot) {
  auto other = Link::Open(*relay_, server_.port());
  ASSERT_THAT(other, IsOk());

  (*other)->BlackHole();

  Connect();
}

TEST_F(LinkTest, AServerThatIsNotThereIsAReset) {
  const auto nobody = ReservedPort::Take();
  auto link = Link::Open(*relay_, nobody->number());
  ASSERT_THAT(link, IsOk());

  End client(BeginToConnect((*link)->port()));

  EXPECT_EQ(client.Receive(), "reset");
}

}  // namespace
}  // namespace rehai::lab
