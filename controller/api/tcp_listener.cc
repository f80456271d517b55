// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/tcp_listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

// After accept() failed for want of descriptors or memory: the connection is
// still there, and asking again at once would only spin.
constexpr int kShortageMillis = 100;

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

absl::Status CannotListen(absl::string_view key, const ListenAddress& address,
                          absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(
      key, ": cannot listen on ", address.text, " (", why,
      "); is another process using it (ss -ltnp), and is it an address of "
      "this machine?"));
}

// Listens on one of a name's addresses. Empty, with errno, if it cannot.
OwnedFd ListenOn(const addrinfo& address) {
  OwnedFd fd(socket(address.ai_family,
                    address.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address.ai_protocol));
  const int on = 1;
  if (!fd ||
      setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      listen(fd.get(), SOMAXCONN) != 0) {
    const int error = errno;
    fd = OwnedFd();
    errno = error;
  }
  return fd;
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return address.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port)
             : ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.Release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

int OwnedFd::Release() { return std::exchange(fd_, -1); }

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Open(
    absl::string_view key, const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(),
                  &hints, &found);
  if (error != 0) return CannotListen(key, address, gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);

  OwnedFd socket = ListenOn(*addresses);
  if (!socket) return CannotListen(key, address, std::strerror(errno));
  OwnedFd stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return CannotListen(key, address, std::strerror(errno));
  const int port = PortOf(socket.get());
  return std::unique_ptr<TcpListener>(
      new TcpListener(std::move(socket), std::move(stop), port));
}

TcpListener::TcpListener(OwnedFd socket, OwnedFd stop, int port)
    : socket_(std::move(socket)), stop_(std::move(stop)), port_(port) {}

OwnedFd TcpListener::Accept() {
  while (true) {
    pollfd fds[] = {{stop_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
    if (poll(fds, 2, /*timeout=*/-1) < 0 && errno != EINTR) return OwnedFd();
    if (fds[0].revents != 0) return OwnedFd();
    if (fds[1].revents == 0) continue;
    OwnedFd accepted(
        accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted) return accepted;
    if (IsShortage(errno)) poll(fds, 1, kShortageMillis);
  }
}

void TcpListener::Stop() {
  // Cannot fail: the counter is far from its end.
  (void)eventfd_write(stop_.get(), 1);
}

}  // namespace rehai
