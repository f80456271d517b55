// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/service_notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"

namespace rehai::agent {
namespace {

using ::testing::IsEmpty;

// The service manager's end. A name that begins with "@" is abstract.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& name)
      : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                          name.size())),
              0);
  }
  ~NotifySocket() { close(fd_); }

  // The next message; empty if there is none.
  std::string Next() {
    char buffer[256];
    const ssize_t size = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(buffer, size);
  }

 private:
  const int fd_;
};

ServiceNotifier::Environment Environment(
    std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) {
    const auto variable = variables.find(name);
    return variable == variables.end() ? "" : variable->second;
  };
}

std::string AbstractName() {
  return absl::StrCat("@rehai-service-notifier-test-", getpid());
}

TEST(ServiceNotifierTest, TellsEachThingOnce) {
  const std::string name = AbstractName();
  NotifySocket socket(name);
  ServiceNotifier notifier(Environment({{"NOTIFY_SOCKET", name}}));
  notifier.Status("connecting");
  EXPECT_EQ(socket.Next(), "STATUS=connecting");
  notifier.Status("connecting");
  EXPECT_THAT(socket.Next(), IsEmpty());
  notifier.Ready();
  EXPECT_EQ(socket.Next(), "READY=1");
  notifier.Ready();
  EXPECT_THAT(socket.Next(), IsEmpty());
  notifier.Status("two\nREADY=0");
  EXPECT_EQ(socket.Next(), "STATUS=two READY=0");
  notifier.Watchdog();
  EXPECT_EQ(socket.Next(), "WATCHDOG=1");
  notifier.Stopping();
  EXPECT_EQ(socket.Next(), "STOPPING=1");
}

TEST(ServiceNotifierTest, FindsASocketInAFolder) {
  std::string folder = "/tmp/notify.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string name = absl::StrCat(folder, "/socket");
  {
    NotifySocket socket(name);
    ServiceNotifier notifier(Environment({{"NOTIFY_SOCKET", name}}));
    notifier.Ready();
    EXPECT_EQ(socket.Next(), "READY=1");
  }
  unlink(name.c_str());
  rmdir(folder.c_str());
}

TEST(ServiceNotifierTest, WithoutASocketNothingIsTold) {
  ServiceNotifier notifier(Environment({{"WATCHDOG_USEC", "1000000"}}));
  notifier.Ready();
  notifier.Status("fine");
  EXPECT_EQ(notifier.watchdog_interval(), absl::InfiniteDuration());
}

TEST(ServiceNotifierTest, TheWatchdogIsFedTwiceAsOftenAsItBites) {
  const auto interval = [](std::map<std::string, std::string> variables) {
    variables["NOTIFY_SOCKET"] = AbstractName();
    return ServiceNotifier(Environment(std::move(variables)))
        .watchdog_interval();
  };
  EXPECT_EQ(interval({}), absl::InfiniteDuration());
  EXPECT_EQ(interval({{"WATCHDOG_USEC", "30000000"}}), absl::Seconds(15));
  EXPECT_EQ(interval({{"WATCHDOG_USEC", "soon"}}), absl::InfiniteDuration());
  EXPECT_EQ(interval({{"WATCHDOG_USEC", "30000000"},
                      {"WATCHDOG_PID", absl::StrCat(getpid())}}),
            absl::Seconds(15));
  EXPECT_EQ(interval({{"WATCHDOG_USEC", "30000000"}, {"WATCHDOG_PID", "1"}}),
            absl::InfiniteDuration());
}

TEST(ServiceNotifierTest, ANameThatFitsNoSocketIsLeftAlone) {
  ServiceNotifier notifier(
      Environment({{"NOTIFY_SOCKET", "/" + std::string(200, 'x')}}));
  notifier.Ready();
}

}  // namespace
}  // namespace rehai::agent
