// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/lab.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/process.h"

namespace rehai::lab {
namespace {

absl::Status MakeKey(const std::string& file) {
  return OutputOf({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                            "rehai-lab", "-f", file}})
      .status();
}

absl::Status Write(const std::string& file, const std::string& content,
                   int mode) {
  return WriteFileAtomically(
      file, absl::string_view(content.data(), content.size()), mode);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Lab>> Lab::Start(Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("lab"));
  std::unique_ptr<Lab> lab(new Lab(std::move(folder)));
  if (options.ssh) RETURN_IF_ERROR(lab->MakeSshIdentity());
  for (int i = 1; i <= options.qemu_hosts; ++i) {
    RETURN_IF_ERROR(lab->AddHost(
        Driver::kQemu, absl::StrCat("kvm", i, ".example.net"), options.ssh));
  }
  for (int i = 1; i <= options.test_hosts; ++i) {
    RETURN_IF_ERROR(lab->AddHost(
        Driver::kTest, absl::StrCat("sim", i, ".example.net"), options.ssh));
  }
  if (options.ssh) RETURN_IF_ERROR(lab->WriteSshConfig());
  return lab;
}

Lab::Lab(std::unique_ptr<TempFolder> folder) : folder_(std::move(folder)) {}

absl::Status Lab::MakeSshIdentity() {
  ssh_.host_key_file = *folder_ / "host_key";
  ssh_.authorized_keys_file = *folder_ / "client_key.pub";
  ssh_.command = *folder_ / "ssh";
  RETURN_IF_ERROR(MakeKey(*folder_ / "host_key"));
  RETURN_IF_ERROR(MakeKey(*folder_ / "client_key"));
  // A URI can name a program but give it no arguments.
  return Write(ssh_.command,
               absl::StrCat("#!/bin/sh\nexec ssh -F ", *folder_ / "ssh_config",
                            " \"$@\"\n"),
               0700);
}

absl::Status Lab::AddHost(Driver driver, const std::string& name, bool ssh) {
  const std::string folder = *folder_ / absl::StrCat("h", hosts_.size());
  if (mkdir(folder.c_str(), 0700) != 0) {
    return absl::ErrnoToStatus(errno, folder);
  }
  const bool first = hosts_.empty() || driver != Driver::kQemu;
  ASSIGN_OR_RETURN(
      std::unique_ptr<Host> host,
      Host::Start({.driver = driver,
                   .name = name,
                   .folder = folder,
                   .ssh = ssh ? &ssh_ : nullptr,
                   .capabilities_of = first ? nullptr : hosts_[0].get()}));
  hosts_.push_back(std::move(host));
  return absl::OkStatus();
}

absl::Status Lab::WriteSshConfig() {
  ASSIGN_OR_RETURN(const std::string host_key,
                   ReadFile(ssh_.host_key_file + ".pub"));
  std::string known_hosts;
  std::string config;
  for (const std::unique_ptr<Host>& host : hosts_) {
    absl::StrAppend(&known_hosts, host->node(), " ", host_key);
    absl::StrAppend(&config, "Host ", host->node(),
                    "\n  HostName 127.0.0.1\n  Port ", host->ssh_port(),
                    "\n  HostKeyAlias ", host->node(), "\n");
  }
  RETURN_IF_ERROR(Write(*folder_ / "known_hosts", known_hosts, 0600));
  absl::StrAppend(&config, "Host *\n  IdentityFile ", *folder_ / "client_key",
                  "\n  UserKnownHostsFile ", *folder_ / "known_hosts",
                  "\n  GlobalKnownHostsFile none"
                  "\n  IdentitiesOnly yes"
                  "\n  BatchMode yes"
                  "\n  StrictHostKeyChecking yes"
                  "\n  ConnectTimeout 10"
                  "\n  ServerAliveInterval 5"
                  "\n  ServerAliveCountMax 3"
                  // The default costs a fifth of a second per connection.
                  "\n  KexAlgorithms curve25519-sha256"
                  "\n  LogLevel ERROR\n");
  return Write(*folder_ / "ssh_config", config, 0600);
}

}  // namespace rehai::lab
