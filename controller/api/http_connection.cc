// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/http_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rehai {
namespace {

constexpr absl::Duration kGoodbye = absl::Seconds(1);

void Describe(const sockaddr_storage& address, std::string& ip, int& port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    port = ntohs(v6.sin6_port);
  } else if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    port = ntohs(v4.sin_port);
  }
  ip = text;
}

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK; }

SSL* NewSsl(SSL_CTX* tls, int socket) {
  if (tls == nullptr) return nullptr;
  SSL* const ssl = SSL_new(tls);
  if (ssl != nullptr) SSL_set_fd(ssl, socket);
  return ssl;
}

}  // namespace

HttpConnection::HttpConnection(int socket, SSL_CTX* tls, Limits limits,
                               const Clock& clock)
    : socket_(socket),
      wants_tls_(tls != nullptr),
      ssl_(NewSsl(tls, socket)),
      clock_(clock),
      limits_(limits) {}

bool HttpConnection::Handshake() {
  if (!wants_tls_) return true;
  if (ssl_ == nullptr) return false;
  while (true) {
    ERR_clear_error();
    const int result = SSL_accept(ssl_.get());
    if (result == 1) return true;
    if (!MayTryAgain(result)) return false;
  }
}

void HttpConnection::SayGoodbye() {
  limits_.deadline = std::min(limits_.deadline, clock_.Uptime() + kGoodbye);
  if (ssl_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  shutdown(socket_, SHUT_WR);
  char unread[4096];
  while (limits_.max_bytes > 0) {
    const ssize_t count = recv(socket_, unread, sizeof(unread), 0);
    if (count == 0 || (count < 0 && !WouldBlock())) return;
    if (count < 0 && !Await(POLLIN)) return;
    limits_.max_bytes -= std::max<ssize_t>(count, 0);
  }
}

bool HttpConnection::is_readable() const {
  return begin_ < end_ || Await(POLLIN);
}

bool HttpConnection::is_writable() const { return Await(POLLOUT); }

ssize_t HttpConnection::read(char* into, size_t size) {
  if (begin_ == end_) {
    const ssize_t count = ReadSome(buffer_, sizeof(buffer_));
    if (count <= 0) return count;
    begin_ = 0;
    end_ = static_cast<size_t>(count);
  }
  const size_t count = std::min(size, end_ - begin_);
  std::memcpy(into, buffer_ + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t HttpConnection::ReadSome(char* into, size_t size) {
  if (limits_.max_bytes <= 0) return -1;
  // Also where bytes are at hand: a client that is always ready must not go on
  // for ever.
  while (clock_.Uptime() < limits_.deadline) {
    ssize_t count;
    bool again;
    if (ssl_ == nullptr) {
      count = recv(socket_, into, size, 0);
      again = count < 0 && WouldBlock() && Await(POLLIN);
    } else {
      ERR_clear_error();
      count = SSL_read(ssl_.get(), into, static_cast<int>(size));
      again = count <= 0 && MayTryAgain(static_cast<int>(count));
    }
    if (count >= 0 && !again) {
      limits_.max_bytes -= count;
      return count;
    }
    if (!again) return -1;
  }
  return -1;
}

ssize_t HttpConnection::write(const char* from, size_t size) {
  while (clock_.Uptime() < limits_.deadline) {
    ssize_t count;
    bool again;
    if (ssl_ == nullptr) {
      count = send(socket_, from, size, MSG_NOSIGNAL);
      again = count < 0 && WouldBlock() && Await(POLLOUT);
    } else {
      ERR_clear_error();
      constexpr size_t kMost = 1 << 20;
      count =
          SSL_write(ssl_.get(), from, static_cast<int>(std::min(size, kMost)));
      again = count <= 0 && MayTryAgain(static_cast<int>(count));
    }
    if (count >= 0 && !again) return count;
    if (!again) return -1;
  }
  return -1;
}

bool HttpConnection::Await(short events) const {
  const absl::Duration left = limits_.deadline - clock_.Uptime();
  if (left <= absl::ZeroDuration()) return false;
  pollfd fd{socket_, events, 0};
  // Rounded up: a wait of half a millisecond is not none.
  const int millis = static_cast<int>(absl::ToInt64Milliseconds(left)) + 1;
  return poll(&fd, 1, millis) > 0;
}

bool HttpConnection::MayTryAgain(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Await(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return Await(POLLOUT);
    default:
      return false;
  }
}

void HttpConnection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  Describe(address, ip, port);
}

void HttpConnection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  Describe(address, ip, port);
}

}  // namespace rehai
