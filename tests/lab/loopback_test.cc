// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/loopback.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "tests/matchers.h"

namespace rehai::lab {
namespace {

// Listens there as a server does; -1 if it cannot.
int ListenAt(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
          0 &&
      listen(fd, 5) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

TEST(ReservedPortTest, ServersComeAndGoAndNobodyConnectsMeanwhile) {
  const auto port = ReservedPort::Take();
  ASSERT_THAT(port, IsOk());
  for (int life = 0; life < 3; ++life) {
    EXPECT_THAT(CanConnect(port->number()),
                StatusIs(absl::StatusCode::kUnavailable));
    const int server = ListenAt(port->number());
    ASSERT_GE(server, 0);
    EXPECT_THAT(CanConnect(port->number()), IsOk());
    close(server);
  }
}

TEST(ReservedPortTest, IsGivenToNobodyElse) {
  auto port = ReservedPort::Take();
  ASSERT_THAT(port, IsOk());
  const ReservedPort moved = std::move(*port);
  for (int i = 0; i < 1000; ++i) {
    const auto other = ReservedPort::Take();
    ASSERT_THAT(other, IsOk());
    EXPECT_NE(other->number(), moved.number());
  }
}

}  // namespace
}  // namespace rehai::lab
