// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace rehai::lab {
namespace {

class Socket {
 public:
  explicit Socket(int family)
      : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit Socket(const Socket& listener, struct sockaddr* peer)
      : fd_(accept4(listener.fd_, peer, nullptr, SOCK_CLOEXEC)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool Bind(const Socket& socket, int port) {
  const sockaddr_in address = Loopback(port);
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0;
}

absl::Status Connect(const Socket& socket, const sockaddr* address,
                     socklen_t size, const std::string& where) {
  if (connect(socket.get(), address, size) == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(where, ": cannot connect: ", strerror(errno)));
}

}  // namespace

absl::StatusOr<int> FreePort() {
  const Socket listener(AF_INET);
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (!Bind(listener, 0) || listen(listener.get(), 1) != 0 ||
      getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address),
                  &size) != 0) {
    return absl::ErrnoToStatus(errno, "no free port on 127.0.0.1");
  }
  // A connection that the serving side closed first stays with its port for a
  // minute (TIME_WAIT), and the kernel hands out no such port.
  const Socket client(AF_INET);
  RETURN_IF_ERROR(
      Connect(client, reinterpret_cast<sockaddr*>(&address), size, "own port"));
  { const Socket served(listener, nullptr); }
  return ntohs(address.sin_port);
}

absl::StatusOr<ReservedPort> ReservedPort::Take() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ReservedPort unbound(fd, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return absl::ErrnoToStatus(errno, "no free port on 127.0.0.1");
  }
  unbound.fd_ = -1;
  return ReservedPort(fd, ntohs(address.sin_port));
}

ReservedPort::~ReservedPort() {
  if (fd_ >= 0) close(fd_);
}

ReservedPort::ReservedPort(ReservedPort&& other)
    : fd_(std::exchange(other.fd_, -1)), number_(other.number_) {}

absl::StatusOr<int> FreePortRange(int count) {
  constexpr int kLowest = 10000;
  constexpr int kBeyond = 32000;
  absl::BitGen random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int first = absl::Uniform(random, kLowest, kBeyond - count);
    bool free = true;
    for (int port = first; free && port < first + count; ++port) {
      free = Bind(Socket(AF_INET), port);
    }
    if (free) return first;
  }
  return absl::UnavailableError(
      absl::StrCat("no ", count, " neighbouring free ports between ", kLowest,
                   " and ", kBeyond, "; stop what listens on so many"));
}

absl::Status CanConnect(int port) {
  const sockaddr_in address = Loopback(port);
  return Connect(Socket(AF_INET), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address), absl::StrCat("127.0.0.1:", port));
}

absl::Status CanConnect(const std::string& unix_socket) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (unix_socket.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(unix_socket, ": too long for the name of a socket"));
  }
  unix_socket.copy(address.sun_path, unix_socket.size());
  return Connect(Socket(AF_UNIX), reinterpret_cast<sockaddr*>(&address),
                 sizeof(address), unix_socket);
}

}  // namespace rehai::lab
