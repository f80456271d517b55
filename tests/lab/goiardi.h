// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_GOIARDI_H_
#define TESTS_LAB_GOIARDI_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/lab/knife.h"
#include "tests/lab/process.h"
#include "tests/lab/temp_folder.h"

namespace rehai::lab {

// A private Chef server: goiardi in memory on a free port of 127.0.0.1, with
// signed requests and, unless told otherwise, TLS. Everything that it writes is
// in one temporary folder, which goes with it. Not thread-safe.
class Goiardi {
 public:
  struct Options {
    bool tls = true;
  };

  // Returns once the server answers signed requests.
  static absl::StatusOr<std::unique_ptr<Goiardi>> Start(Options options);
  static absl::StatusOr<std::unique_ptr<Goiardi>> Start();
  ~Goiardi();

  Goiardi(const Goiardi&) = delete;
  Goiardi& operator=(const Goiardi&) = delete;

  // "https://localhost:PORT"
  const std::string& url() const { return url_; }
  // The certificate to trust. There, but of no use, without TLS.
  std::string ca_file() const { return *folder_ / "server.crt"; }
  // Who may do everything.
  std::string admin_name() const { return "admin"; }
  std::string admin_key_file() const { return *folder_ / "admin.pem"; }

  // The server as its administrator sees it.
  Knife& admin() { return *admin_; }

  // Registers an API client and returns the file with its private key.
  absl::StatusOr<std::string> CreateClient(const std::string& name, bool admin);

  // Node helpers, all signed as the administrator. `json` is a whole node
  // object. kNotFound and kAlreadyExists as the server says.
  absl::Status CreateNode(absl::string_view json);
  absl::StatusOr<std::string> GetNode(const std::string& name);
  absl::Status PutNode(const std::string& name, absl::string_view json);
  absl::Status DeleteNode(const std::string& name);

  // Stop() saves the server's data, Resume() starts it again with them, on the
  // same port. In between nobody listens there.
  absl::Status Stop();
  absl::Status Resume();
  absl::Status Restart();

  // The server's process: to be hung with SIGSTOP, or killed without a save.
  Process& process() { return *process_; }

 private:
  Goiardi(Options options, std::unique_ptr<TempFolder> folder);

  absl::Status MakeCertificate();
  // Starts the process on port_ and waits for its answer.
  absl::Status Launch();

  const Options options_;
  const std::unique_ptr<TempFolder> folder_;
  int port_ = 0;
  std::string url_;
  std::unique_ptr<Knife> admin_;
  std::unique_ptr<Process> process_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_GOIARDI_H_
