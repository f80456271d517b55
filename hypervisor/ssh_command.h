// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_SSH_COMMAND_H_
#define HYPERVISOR_SSH_COMMAND_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rehai::hypervisor {

// How the ssh client reaches hypervisors. Paths are absolute.
struct SshOptions {
  // The account, where the URI names none. Empty: as ssh does.
  std::string user = {};
  // The private key, which must have no passphrase unless an agent holds it; no
  // other key of the agent's is offered then. Empty: as ssh finds keys.
  std::string key_file = {};
  // The only host keys that are accepted. Empty: those in ssh's usual files.
  std::string known_hosts_file = {};
  // Where the URI names no port. 0: 22.
  int port = 0;
  // [USER@]HOST[:PORT],... to go through. `user` and `port` are not for these,
  // the rest is. Empty: straight.
  std::string jump = {};
  // ssh_config(5) that is read last. ssh takes the first value that it finds of
  // an option, so it can add host names and jumps, and can change nothing that
  // is generated. Empty: ~/.ssh/config, if there is one; "none": no file.
  std::string config_file = {};

  // As in DialOptions. ssh gives up a moment before the dial does, so that its
  // own words say why.
  absl::Duration connect_timeout = absl::Seconds(15);
  absl::Duration keepalive_interval = absl::Seconds(5);
  int keepalive_count = 3;
};

// The configuration, in the words of ssh_config(5): it never asks, accepts no
// unknown host key, forwards nothing, and prefers a key exchange that costs a
// fraction of the client's default. For OpenSSH 8.5 or newer. kInvalidArgument:
// a value has a character that it cannot have there, named with its
// configuration key.
absl::StatusOr<std::string> SshConfigText(const SshOptions& options);

// SshCommand is a program that stands for ssh in libvirt's URIs (command=,
// which takes no arguments): a wrapper around ssh with a configuration of its
// own. Both lie in a private folder, which goes with this object, so it must
// outlive all dials. Immutable, hence thread-safe.
class SshCommand {
 public:
  // In the first of $RUNTIME_DIRECTORY, $TMPDIR and /tmp from which programs
  // may be run. kInvalidArgument: the options can never work (a key that others
  // can read, say); kNotFound, kPermissionDenied: a file that they name cannot
  // be read; kUnavailable: there is no place for the folder.
  static absl::StatusOr<std::unique_ptr<SshCommand>> Create(
      const SshOptions& options);
  ~SshCommand();
  SshCommand(const SshCommand&) = delete;
  SshCommand& operator=(const SshCommand&) = delete;

  // Of the program, for DialOptions::ssh_command.
  const std::string& path() const { return path_; }
  // Of its configuration, for ssh -G.
  const std::string& config_file() const { return config_file_; }

 private:
  explicit SshCommand(std::string folder);

  const std::string folder_;
  // Open and locked: what tidies /tmp by age passes over it. -1 if it could not
  // be opened, which is a loss only there.
  const int lock_;
  const std::string path_;
  const std::string config_file_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_SSH_COMMAND_H_
