// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_TCP_LISTENER_H_
#define CONTROLLER_API_TCP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "controller/api/listen_address.h"

namespace rehai {

// A file descriptor of ours, closed with its owner.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.Release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int Release();

 private:
  int fd_;
};

// TcpListener takes in connections at one address. One thread accepts; Stop()
// may be called by another.
class TcpListener {
 public:
  // Listens. A second listener at the address is an error, not a half share of
  // it. kUnavailable: the address is taken, or not this machine's; the message
  // names the configuration's `key`.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Open(
      absl::string_view key, const ListenAddress& address);

  // The port listened on.
  int port() const { return port_; }

  // Waits for the next connection, a non-blocking socket. Empty after Stop().
  OwnedFd Accept();

  // Ends Accept(), now and ever after. The port is free once this is gone.
  void Stop();

 private:
  TcpListener(OwnedFd socket, OwnedFd stop, int port);

  // Set at construction.
  const OwnedFd socket_;
  const OwnedFd stop_;  // readable once stopped
  const int port_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_TCP_LISTENER_H_
