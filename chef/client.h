// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CLIENT_H_
#define CHEF_CLIENT_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "chef/request_signer.h"

namespace rehai::chef {

struct Request {
  std::string method;  // "GET", "PUT", "POST"
  // Below the server URL, without query: "/nodes/hv1".
  std::string path;
  std::string query;  // without "?"; not signed
  std::string body;
};

struct Response {
  int status = 0;
  std::string content_type;
  absl::Time date;  // the server's Date header; InfinitePast if absent
  std::string body;
};

// Sends signed requests to one Chef server (or organisation) over connections
// that are kept alive. Every answer of the server is a Response, errors too; a
// Status is for what prevented an answer: kDeadlineExceeded (the request may
// have been carried out), kUnavailable (refused, reset, unresolvable; may have
// been carried out if it was sent), kUnauthenticated (the server's certificate
// is not trusted). Thread-safe. Owns one thread.
class Client {
 public:
  struct Options {
    std::string server_url;  // with or without /organizations/ORG
    std::string ca_file;
    std::string trusted_certs_dir;
    absl::Duration request_timeout = absl::Seconds(10);
    int max_connections = 8;
    // Larger answers are refused (kResourceExhausted).
    size_t max_response_bytes = 16 << 20;
  };

  // kInvalidArgument: the URL or a trust file is no good; the message says
  // which. `clock` must outlive the client.
  static absl::StatusOr<std::unique_ptr<Client>> Create(Options options,
                                                        RequestSigner signer,
                                                        const Clock& clock);

  virtual ~Client() = default;

  // Returns at once. `done` is called exactly once, on the client's thread; it
  // may call Send() again and must not block. Requests still under way when the
  // client is destroyed end with kCancelled.
  virtual void Send(
      Request request,
      absl::AnyInvocable<void(absl::StatusOr<Response>)> done) = 0;
};

}  // namespace rehai::chef

#endif  // CHEF_CLIENT_H_
