// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_HTTP_SERVER_H_
#define CONTROLLER_API_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/api/run_listener.h"
#include "controller/api/tls_files.h"

namespace rehai {

// HttpServer is what is told and asked by HTTP:
//
//   GET /healthz            200 while the process answers: "ok", and below it
//                           what does not work and needs no restart
//   GET /readyz             200 after SetReady(true), otherwise 503
//   GET /metrics            the metrics in Prometheus' text format
//   POST /data-collector    chef-client's messages, for the RunListener
//
// - A message is answered before anybody reads it, and with 200 whatever is in
//   it: chef-client waits for the answer, and repeats what was answered 5xx.
//   Without the right token it is 401, and without a listener 404; both cost
//   chef-client nothing.
// - A connection carries one request, which must be over by Options::deadline.
//   So many connections are worked on at a time and so many wait; more are
//   closed at once.
// - Without TLS it listens only where other machines cannot reach it, unless
//   told otherwise.
//
// Thread-safe after Start(). Owns its threads, between Start() and Stop().
class HttpServer {
 public:
  struct Options {
    std::string listen;  // host:port or [IPv6]:port. Port 0 takes a free one.
    // The client CA may be empty: then clients need no certificate.
    TlsFiles tls = {};
    bool allow_plaintext_from_anywhere = false;
    int threads = 8;
    int max_waiting = 64;  // connections for which there is no thread yet
    absl::Duration deadline = absl::Seconds(5);
    int64_t max_body_bytes = 8 << 20;
  };

  // Makes the answer of /metrics; called by several threads at once.
  using MetricsText = std::function<std::string()>;

  // What does not work as it should, in lines; empty if all does. Called as
  // MetricsText is.
  using Ailments = std::function<std::string()>;

  // Checks the options. `runs` may be null; it and `clock` must outlive this.
  // kInvalidArgument: the address cannot be understood, it would be open to
  // everyone, or the TLS files do not fit together; kNotFound and
  // kPermissionDenied name the TLS file that cannot be read.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(
      Options options, MetricsText metrics, RunListener* runs,
      const Clock& clock, Ailments ailments = nullptr);
  ~HttpServer();

  // Listens and answers from here on. kUnavailable: the address is taken or not
  // this machine's. Once.
  absl::Status Start();

  // The port listened on; 0 before Start().
  int port() const;

  // When the server's certificate expires; nullopt without TLS.
  std::optional<absl::Time> certificate_expires_at() const;

  // Reads the TLS files anew. Nothing changes before the result is called,
  // which has to happen before the server is destroyed; then connections that
  // are made get the new certificates. Nothing is read where one of both has no
  // TLS. Errors are those of Create().
  absl::StatusOr<std::function<void()>> PrepareReload(const TlsFiles& tls);

  // What /readyz says.
  void SetReady(bool ready);

  // Takes no more connections, lets those under way finish, and cuts those off
  // that have not after `grace`. Once or more.
  void Stop(absl::Duration grace);

 private:
  struct Parts;
  explicit HttpServer(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_HTTP_SERVER_H_
