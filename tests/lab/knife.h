// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_KNIFE_H_
#define TESTS_LAB_KNIFE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "chef/request_signer.h"

namespace rehai::lab {

// Sends signed requests to a Chef server and waits for the answer, over one
// connection that is kept alive. What tests prepare and look at a server with;
// not the client under test, whose faults it must not share. Not thread-safe.
class Knife {
 public:
  struct Options {
    std::string server_url = {};
    std::string ca_file = {};
    std::string client_name = {};
    std::string client_key_file = {};
  };
  struct Answer {
    int http_status = 0;
    std::string body;
  };

  // Fails if the key file cannot be read or holds no key.
  static absl::StatusOr<std::unique_ptr<Knife>> Create(Options options);
  ~Knife();

  Knife(const Knife&) = delete;
  Knife& operator=(const Knife&) = delete;

  // `path` is below the server's URL and signed; `query` comes after the "?".
  // kUnavailable if there was no answer within ten seconds.
  absl::StatusOr<Answer> Send(const std::string& method,
                              const std::string& path,
                              absl::string_view body = "",
                              const std::string& query = "");

 private:
  Knife(Options options, chef::RequestSigner signer, void* curl);

  const Options options_;
  const chef::RequestSigner signer_;
  void* const curl_;  // CURL*
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_KNIFE_H_
