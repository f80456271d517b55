// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_ERRORS_H_
#define CHEF_ERRORS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "chef/client.h"
#include "rehai/v1/model.pb.h"

// What a Chef server's answers mean. Pure functions. Every message names its
// subject (the node, the server), what happened in the server's words, and what
// to do; bodies are cut short and made one line.
namespace rehai::chef {

// What a request was about.
struct Subject {
  std::string node;  // the name of a node, or of what else `kind` says
  std::string server_url;
  std::string client_name;
  std::string method;  // "GET", "PUT"
  // "node", "data bag item"; "search", which has no name.
  std::string kind = "node";

  // "node hv1 at https://chef.example.com"
  std::string ToString() const;
};

// Why there is no answer to work with.
struct Failure {
  v1::WriteOutcome outcome = v1::WRITE_OUTCOME_UNSPECIFIED;
  absl::Status status;
};

// The failure that a request ended in; nullopt if the answer is a 2xx with a
// JSON object. `now` is this machine's wall time, to be compared with the
// server's.
//
//   answer                       outcome          code                then
//   400                          REJECTED         kInvalidArgument    park
//   401                          UNAUTHENTICATED  kUnauthenticated    stop
//   403, permission              FORBIDDEN        kPermissionDenied   park
//   403, user not in the org.    UNAUTHENTICATED  kPermissionDenied   stop
//   403, license                 UNAUTHENTICATED  kFailedPrecondition stop
//   404, Chef's, the node        NODE_MISSING     kNotFound           park
//   404, Chef's, the org.        UNAUTHENTICATED  kNotFound           stop
//   406, 3xx                     UNAUTHENTICATED  kFailedPrecondition stop
//   409                          RETRY            kAborted            reread
//   412, 415, other 4xx          REJECTED         kFailedPrecondition park
//   413                          TOO_LARGE        kResourceExhausted  park
//   408, 429, 5xx                RETRY            kUnavailable        later
//   2xx or 404 that Chef did not RETRY            kUnavailable        later
//     write (no JSON)
//   none: certificate or pin     UNAUTHENTICATED  kUnauthenticated    stop
//   none: answer too large       TOO_LARGE        kResourceExhausted  park
//   none: cannot be sent         REJECTED         kInvalidArgument    park
//   none: too late               RETRY            kDeadlineExceeded   reread
//   none: refused, reset, name   RETRY            kUnavailable        reread
//
// Then: "park" the node until an operator or its host asks again; "stop" all
// writes but a probe now and then, and alarm: the server refuses us, whatever
// the node; "reread" the node first, since a PUT may have been carried out
// (every try begins with a GET, so this is "later"); "later", not before the
// Retry-After of the response if it has one.
//
// An answer that Chef did not write says nothing about the node: it comes from
// something in between, which may be there for a while only, or from a wrong
// URL. Both are told to the operator and tried again.
std::optional<Failure> FindFailure(const absl::StatusOr<Response>& answer,
                                   const Subject& subject, absl::Time now);

// The node as it was found or made does not fit. `biggest`: what takes the
// space, in words; may be empty.
Failure NodeTooLarge(const Subject& subject, size_t size, int64_t limit,
                     absl::string_view biggest = "");
// A 2xx whose body is not the node.
Failure NotTheNode(const Subject& subject, absl::string_view why);
// Writing would destroy what others have put where a subtree goes.
Failure InTheWay(const Subject& subject, const absl::Status& splice);
// The server took the PUT and answered with a node without our subtrees.
Failure NotConfirmed(const Subject& subject);
// Our own mistake, found before it was sent.
Failure WouldLoseAttributes(const Subject& subject);

}  // namespace rehai::chef

#endif  // CHEF_ERRORS_H_
