// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_HTTP_CONNECTION_H_
#define CONTROLLER_API_HTTP_CONNECTION_H_

#include <httplib.h>
#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"

namespace rehai {

// HttpConnection is a client's connection as cpp-httplib reads and writes it,
// in clear or by TLS.
//
// Everything must be done by one deadline, however the client spreads its bytes
// over time, and what it may send in all is bounded: httplib itself bounds
// neither the time of a request nor the size of its headers. Beyond either,
// reads and writes fail.
//
// Used by one thread. Does not own the socket.
class HttpConnection final : public httplib::Stream {
 public:
  struct Limits {
    absl::Duration deadline;  // by the clock's Uptime()
    int64_t max_bytes = 0;    // read, before TLS took its share
  };

  // `socket` is non-blocking. `tls` null: in clear.
  HttpConnection(int socket, SSL_CTX* tls, Limits limits, const Clock& clock);

  // The TLS handshake; true at once in clear.
  bool Handshake();

  // Tells the client that nothing more comes, and takes in what it is still
  // sending for a short while: closing a socket with unread bytes can take the
  // answer from a client that has not read it yet.
  void SayGoodbye();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* into, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  // Waits for poll()'s `events` until the deadline; false if it passed.
  bool Await(short events) const;
  // True if a TLS call that gave `result` is to be made again.
  bool MayTryAgain(int result) const;
  ssize_t ReadSome(char* into, size_t size);

  // Set at construction.
  const int socket_;
  const bool wants_tls_;
  const std::unique_ptr<SSL, FreeSsl> ssl_;
  const Clock& clock_;

  Limits limits_;
  // httplib reads lines byte by byte.
  char buffer_[4096];
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_API_HTTP_CONNECTION_H_
