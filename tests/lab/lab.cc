// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/lab.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/parallel.h"

namespace rehai::lab {
namespace {

// Hosts under way at once. To start one is work for a processor, but for some
// waiting.
constexpr int kThreads = 6;

absl::Status Write(const std::string& file, const std::string& content,
                   int mode) {
  return WriteFileAtomically(
      file, absl::string_view(content.data(), content.size()), mode);
}

absl::Status CheckOptions(const Lab::Options& options) {
  if (options.linked_hosts > 0 && !options.ssh) {
    return absl::InvalidArgumentError(
        "a link stands before an sshd; start the lab with ssh");
  }
  if (options.linked_hosts > options.test_hosts) {
    return absl::InvalidArgumentError(absl::StrCat(
        "links for ", options.linked_hosts,
        " simulated hosts, of which there are only ", options.test_hosts));
  }
  return absl::OkStatus();
}

// A host costs some ten file descriptors: its processes, held connection, ports
// and what its link relays.
void AllowManyFiles() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur =
      std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 65536));
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::pair<GuestSpec, GuestState>> GuestsOf(int host, int count) {
  std::vector<std::pair<GuestSpec, GuestState>> guests;
  for (int i = 1; i <= count; ++i) {
    guests.push_back({FleetGuest(host, i), i % 10 == 0 ? GuestState::kShutOff
                                                       : GuestState::kRunning});
  }
  return guests;
}

}  // namespace

GuestSpec FleetGuest(int host, int guest) {
  return {.name = absl::StrCat("vm", host, "-", guest),
          .uuid = absl::StrFormat("%08x-1ab0-4000-8000-%012x", host, guest)};
}

absl::StatusOr<std::unique_ptr<Lab>> Lab::Start(Options options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("lab"));
  std::unique_ptr<Lab> lab(new Lab(std::move(folder)));
  AllowManyFiles();
  if (options.ssh) RETURN_IF_ERROR(lab->MakeSshIdentity());
  if (options.linked_hosts > 0) {
    ASSIGN_OR_RETURN(lab->relay_, Relay::Start());
  }
  RETURN_IF_ERROR(lab->StartHosts(options));
  if (options.ssh) RETURN_IF_ERROR(lab->WriteSshFiles());
  return lab;
}

Lab::Lab(std::unique_ptr<TempFolder> folder) : folder_(std::move(folder)) {}

Lab::~Lab() {
  // Those that could not be started are not there.
  for (const auto& host : hosts_) {
    if (host != nullptr) host->Condemn();
  }
  const absl::Status ended = ForEachInParallel(size(), kThreads, [this](int i) {
    hosts_[i].reset();
    return absl::OkStatus();
  });
  ended.IgnoreError();  // there is none
}

absl::Status Lab::MakeSshIdentity() {
  ssh_.authorized_keys_file = *folder_ / "client_key.pub";
  ssh_.wrong_host_key_file = *folder_ / "wrong_host_key";
  ssh_.command = *folder_ / "ssh";
  RETURN_IF_ERROR(MakeSshKey(key_file()));
  RETURN_IF_ERROR(MakeSshKey(ssh_.wrong_host_key_file));
  // A URI can name a program but give it no arguments.
  return Write(ssh_.command,
               absl::StrCat("#!/bin/sh\nexec ssh -F ", *folder_ / "ssh_config",
                            " \"$@\"\n"),
               0700);
}

absl::Status Lab::StartHosts(const Options& options) {
  const int count = options.qemu_hosts + options.test_hosts;
  hosts_.resize(count);
  // The others take over what QEMU's first found out.
  const int alone = options.qemu_hosts > 1 ? 1 : 0;
  if (alone == 1) RETURN_IF_ERROR(StartHost(options, 0));
  return ForEachInParallel(count - alone, kThreads, [&](int i) {
    return StartHost(options, i + alone);
  });
}

absl::Status Lab::StartHost(const Options& options, int i) {
  if (options.gives_up != nullptr && options.gives_up()) {
    return absl::CancelledError("the lab is given up");
  }
  const bool qemu = i < options.qemu_hosts;
  const int number = qemu ? i + 1 : i - options.qemu_hosts + 1;
  Host::Options host;
  host.driver = qemu ? Driver::kQemu : Driver::kTest;
  host.name = absl::StrCat(qemu ? "kvm" : "sim", number, ".example.net");
  host.folder = *folder_ / absl::StrCat("h", i);
  host.ssh = options.ssh ? &ssh_ : nullptr;
  host.capabilities_of = qemu && i > 0 ? hosts_[0].get() : nullptr;
  if (!qemu && options.guests > 0) {
    host.keeps_guests = true;
    host.guests = GuestsOf(number, options.guests);
  }
  if (!qemu && number <= options.linked_hosts) host.relay = relay_.get();
  if (mkdir(host.folder.c_str(), 0700) != 0) {
    return absl::ErrnoToStatus(errno, host.folder);
  }
  ASSIGN_OR_RETURN(hosts_[i], Host::Start(std::move(host)));
  return absl::OkStatus();
}

absl::Status Lab::WriteSshFiles() {
  std::string known_hosts;
  std::string places;
  for (const std::unique_ptr<Host>& host : hosts_) {
    absl::StrAppend(&known_hosts, host->node(),
                    ",[127.0.0.1]:", host->ssh_port(), " ",
                    host->ssh_host_key(), "\n");
    absl::StrAppend(&places, "Host ", host->node(),
                    "\n  HostName 127.0.0.1\n  Port ", host->ssh_port(),
                    "\n  HostKeyAlias ", host->node(), "\n");
  }
  RETURN_IF_ERROR(Write(known_hosts_file(), known_hosts, 0600));
  RETURN_IF_ERROR(Write(ssh_hosts_file(), places, 0600));
  return Write(
      *folder_ / "ssh_config",
      absl::StrCat("Include ", ssh_hosts_file(), "\nHost *\n  IdentityFile ",
                   key_file(), "\n  UserKnownHostsFile ", known_hosts_file(),
                   "\n  GlobalKnownHostsFile none"
                   "\n  IdentitiesOnly yes"
                   "\n  BatchMode yes"
                   "\n  StrictHostKeyChecking yes"
                   "\n  ConnectTimeout 10"
                   "\n  ServerAliveInterval 5"
                   "\n  ServerAliveCountMax 3"
                   // The default costs a fifth of a second per
                   // connection.
                   "\n  KexAlgorithms curve25519-sha256"
                   "\n  LogLevel ERROR\n"),
      0600);
}

absl::Status Lab::RestartAll() {
  for (const auto& host : hosts_) host->Kill();
  return ForEachInParallel(size(), kThreads,
                           [this](int i) { return hosts_[i]->Restart(); });
}

absl::Status Lab::HealAll() {
  return ForEachInParallel(size(), kThreads,
                           [this](int i) { return hosts_[i]->Heal(); });
}

}  // namespace rehai::lab
