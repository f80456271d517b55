// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_SSHD_H_
#define TESTS_LAB_SSHD_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/lab/loopback.h"
#include "tests/lab/process.h"

namespace rehai::lab {

// Makes an ed25519 key without a passphrase, and FILE.pub beside it.
absl::Status MakeSshKey(const std::string& file);

// A host's sshd, with a host key of its own, on a port of 127.0.0.1 that stays
// its own while it is gone. Not thread-safe.
class Sshd {
 public:
  struct Options {
    // Existing, its own.
    std::string folder = {};
    // Who may log in, as root.
    std::string authorized_keys_file = {};
    // What it answers with when it is to be taken for somebody else.
    std::string wrong_host_key_file = {};
    // Where it runs. Must outlive it.
    const Process* namespaces = nullptr;
  };

  // Returns once it accepts connections.
  static absl::StatusOr<std::unique_ptr<Sshd>> Start(Options options);

  Sshd(const Sshd&) = delete;
  Sshd& operator=(const Sshd&) = delete;

  int port() const { return port_.number(); }
  // "ssh-ed25519 AAAA..."
  const std::string& public_key() const { return public_key_; }

  // From now on it answers with the wrong host key. Its sessions end, so that
  // whoever is connected meets it.
  absl::Status AnswerWithWrongKey();
  // Ends it and its sessions: connections are refused.
  void Refuse();
  // Undoes the above. Sessions with the right key are left alone.
  absl::Status Heal();

  Process& process() { return *process_; }

 private:
  Sshd(Options options, ReservedPort port);

  absl::Status MakeFiles();
  absl::Status Launch(const std::string& host_key_file);
  std::string File(const std::string& name) const;

  const Options options_;
  const ReservedPort port_;
  std::string public_key_;
  std::unique_ptr<Process> process_;
  bool hurt_ = false;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_SSHD_H_
