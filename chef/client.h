// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_CLIENT_H_
#define CHEF_CLIENT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "chef/request_signer.h"
#include "chef/signer_source.h"

namespace rehai::chef {

struct Request {
  std::string method;  // "GET", "PUT", "POST"
  // Below the server URL, without query: "/nodes/hv1". Nothing that would have
  // to be percent-encoded.
  std::string path;
  std::string query;  // without "?", encoded; not signed
  std::string body;
};

struct Response {
  int status = 0;
  std::string content_type;
  // The server's Date header; InfinitePast if absent.
  absl::Time date = absl::InfinitePast();
  // The Retry-After header, seconds or date; zero if absent.
  absl::Duration retry_after = absl::ZeroDuration();
  // From before the first byte was sent to after the last was received.
  absl::Duration took = absl::ZeroDuration();
  std::string body;
};

// Sends signed requests to one Chef server (or organisation) over connections
// that are kept alive. Every answer of the server is a Response, errors too; a
// Status is for what prevented an answer:
//   kDeadlineExceeded   it may have been carried out, unless the message says
//                       that it was not sent
//   kUnavailable        unresolvable, refused or reset; may have been carried
//                       out if it was sent
//   kUnauthenticated    the server's certificate is not trusted, or its key is
//                       none of the pinned ones
//   kResourceExhausted  the answer is larger than max_response_bytes
//   kInvalidArgument    the request cannot be sent as it is
//   kCancelled          the client was destroyed
// A request is sent once: what may have been carried out is never repeated
// here. Only a request that was answered 401 is signed and sent once more, if
// the signer's source has a new key: a request that is refused as unsigned has
// done nothing.
//
// Thread-safe. Owns its workers: threads, each of which signs, sends, receives
// and calls back for one request at a time. There are as many as requests were
// under way at once in the last seconds, and one more.
class Client {
 public:
  struct Options {
    // https://chef.example.com, with or without /organizations/ORG. Plain http
    // only to this machine.
    std::string server_url;
    // Whom to trust: the certificates in the file, those in the folder (*.crt
    // and *.pem), both, or with neither the system's. A server's own
    // self-signed certificate will do.
    std::string ca_file;
    std::string trusted_certs_dir;
    // Besides, the server's public key must be one of these, as curl writes
    // them: "sha256//" and the digest of the key's DER in base64. Empty: any.
    std::vector<std::string> pinned_public_keys;
    // From Send() to the end of the answer, waiting for a connection included.
    absl::Duration request_timeout = absl::Seconds(10);
    // Requests under way at once; others wait their turn.
    int max_connections = 8;
    // Larger answers are refused, counted after decompression.
    size_t max_response_bytes = 16 << 20;
  };

  // kInvalidArgument: the URL, a trust file or a pin is no good; the message
  // says which. `clock` must outlive the client.
  static absl::StatusOr<std::unique_ptr<Client>> Create(
      Options options, std::unique_ptr<SignerSource> signers,
      const Clock& clock);
  // With one key for good.
  static absl::StatusOr<std::unique_ptr<Client>> Create(Options options,
                                                        RequestSigner signer,
                                                        const Clock& clock);

  virtual ~Client() = default;

  // Returns at once. `done` is called exactly once, by one of the client's
  // workers, while others may be calling back for other requests; it must not
  // block. It may call Send() again; such a request goes before those that
  // wait, and the connection stays free for it, so that a GET's PUT follows it
  // at once. Requests still under way when the client is destroyed end with
  // kCancelled.
  virtual void Send(
      Request request,
      absl::AnyInvocable<void(absl::StatusOr<Response>)> done) = 0;

  // Whom this client talks to, and as whom: for messages.
  virtual const std::string& server_url() const = 0;
  virtual const std::string& client_name() const = 0;
};

}  // namespace rehai::chef

#endif  // CHEF_CLIENT_H_
