// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/ssh_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace rehai::hypervisor {
namespace {

constexpr char kUser[] = "pull.ssh.user";
constexpr char kKeyFile[] = "pull.ssh.key_file";
constexpr char kKnownHostsFile[] = "pull.ssh.known_hosts_file";
constexpr char kPort[] = "pull.ssh.port";
constexpr char kJump[] = "pull.ssh.jump";
constexpr char kConfigFile[] = "pull.ssh.config_file";

constexpr char kNoFile[] = "none";

// In this order it matters only that nothing stands before it.
constexpr char kStrict[] =
    "BatchMode yes\n"
    "StrictHostKeyChecking yes\n"
    "UpdateHostKeys no\n"
    "VerifyHostKeyDNS no\n"
    "GSSAPIAuthentication no\n"
    // A master process would outlive its connection, and hold others'.
    "ControlMaster no\n"
    "ControlPath none\n"
    "ForwardAgent no\n"
    "ForwardX11 no\n"
    "ClearAllForwardings yes\n"
    "PermitLocalCommand no\n"
    "RemoteCommand none\n"
    "RequestTTY no\n"
    "LogLevel ERROR\n"
    // The client's default, a post-quantum hybrid, costs each dial 60 ms of
    // processor time more. Servers without this one get what they have.
    "KexAlgorithms ^curve25519-sha256,curve25519-sha256@libssh.org\n";

absl::Status Refuse(absl::string_view key, absl::string_view value,
                    absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(key, ": \"", absl::CHexEscape(value), "\" ", why));
}

// A path as one argument. In paths ssh expands %h and the like, which are
// doubled here, and ${VARIABLES}, for which it has no such way out. It has none
// for quotes in old versions either.
absl::StatusOr<std::string> Quoted(absl::string_view key,
                                   absl::string_view path,
                                   absl::string_view forbidden = "") {
  if (!absl::StartsWith(path, "/")) {
    return Refuse(key, path, "is not an absolute path");
  }
  for (const char c : path) {
    if (absl::ascii_iscntrl(c) || absl::StrContains("\"\\$", c) ||
        absl::StrContains(forbidden, c)) {
      return Refuse(key, path,
                    "has a character that ssh's configuration cannot hold "
                    "there; name the file without it");
    }
  }
  return absl::StrCat("\"", path, "\"");
}

std::string PercentDoubled(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"%", "%%"}});
}

bool IsPlain(absl::string_view word, absl::string_view also) {
  return !word.empty() && word[0] != '-' &&
         std::all_of(word.begin(), word.end(), [&](char c) {
           return absl::ascii_isalnum(c) || absl::StrContains(also, c);
         });
}

bool IsUser(absl::string_view word) { return IsPlain(word, "._-@+"); }

bool IsPort(absl::string_view word) {
  int port = 0;
  return absl::SimpleAtoi(word, &port) && port > 0 && port < 65536;
}

// A jump host without its account and port, which must be well formed. Empty:
// they are not.
absl::string_view JumpHost(absl::string_view jump) {
  const size_t at = jump.rfind('@');
  if (at != absl::string_view::npos) {
    if (!IsUser(jump.substr(0, at))) return "";
    jump.remove_prefix(at + 1);
  }
  if (absl::ConsumePrefix(&jump, "[")) {
    const size_t end = jump.find(']');
    if (end == absl::string_view::npos) return "";
    absl::string_view port = jump.substr(end + 1);
    if (!port.empty() && !(absl::ConsumePrefix(&port, ":") && IsPort(port))) {
      return "";
    }
    jump = jump.substr(0, end);
    return IsPlain(jump, ".:") ? jump : "";
  }
  const size_t colon = jump.find(':');
  if (colon != absl::string_view::npos) {
    if (!IsPort(jump.substr(colon + 1))) return "";
    jump = jump.substr(0, colon);
  }
  return IsPlain(jump, "._-") ? jump : "";
}

// What is for the hypervisors alone. ssh reaches a jump host by another ssh of
// the same configuration, which must not look for a jump again.
absl::StatusOr<std::string> HypervisorsOnly(const SshOptions& options) {
  std::string text = "Host *";
  if (!options.jump.empty()) {
    for (const absl::string_view jump : absl::StrSplit(options.jump, ',')) {
      const absl::string_view host = JumpHost(jump);
      if (host.empty()) {
        return Refuse(kJump, options.jump,
                      "is not of the form [USER@]HOST[:PORT],...");
      }
      absl::StrAppend(&text, " !", host);
    }
    absl::StrAppend(&text, "\nProxyJump ", options.jump);
  }
  if (!options.user.empty()) {
    if (!IsUser(options.user)) {
      return Refuse(kUser, options.user, "is not the name of an account");
    }
    absl::StrAppend(&text, "\nUser ", options.user);
  }
  if (options.port != 0) {
    if (options.port < 0 || options.port > 65535) {
      return Refuse(kPort, absl::StrCat(options.port), "is not a port");
    }
    absl::StrAppend(&text, "\nPort ", options.port);
  }
  return absl::StrCat(text, "\nHost *\n");
}

int64_t WholeSeconds(absl::Duration duration) {
  return std::clamp<int64_t>(absl::ToInt64Seconds(duration), 1, 86400);
}

std::string Timeouts(const SshOptions& options) {
  return absl::StrCat(
      "ConnectTimeout ",
      WholeSeconds(options.connect_timeout - absl::Seconds(1)),
      "\nServerAliveInterval ", WholeSeconds(options.keepalive_interval),
      "\nServerAliveCountMax ", std::max(1, options.keepalive_count), "\n");
}

// Checked here, as an ssh that is refused a file goes on without it, and
// then says something else.
absl::Status CheckReadable(absl::string_view key, const std::string& file) {
  struct stat found = {};
  if (stat(file.c_str(), &found) != 0 || access(file.c_str(), R_OK) != 0) {
    const std::string message =
        absl::StrCat(key, ": ", file, ": cannot be read: ", strerror(errno),
                     "; name a file that Rehai's user can read");
    return errno == EACCES ? absl::PermissionDeniedError(message)
                           : absl::NotFoundError(message);
  }
  if (!S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, ": ", file, ": is not a file"));
  }
  return absl::OkStatus();
}

// ssh itself refuses the key of its own user that others may read. Another
// user's, as root's that a group may read, it takes however many may read it.
absl::Status CheckKey(const std::string& file) {
  RETURN_IF_ERROR(CheckReadable(kKeyFile, file));
  struct stat found = {};
  if (stat(file.c_str(), &found) != 0) {
    return absl::ErrnoToStatus(errno, file);
  }
  const bool own = found.st_uid == geteuid();
  const mode_t forbidden = own ? S_IRWXG | S_IRWXO : S_IWGRP | S_IRWXO;
  if ((found.st_mode & forbidden) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kKeyFile, ": ", file, ": holds a private key that others can use",
      absl::StrFormat(" (mode %04o)", found.st_mode & 07777), "; run: chmod ",
      own ? "go=" : "g-w,o=", " ", file));
}

absl::Status CheckFiles(const SshOptions& options) {
  if (!options.key_file.empty()) RETURN_IF_ERROR(CheckKey(options.key_file));
  if (!options.known_hosts_file.empty()) {
    RETURN_IF_ERROR(CheckReadable(kKnownHostsFile, options.known_hosts_file));
  }
  if (!options.config_file.empty() && options.config_file != kNoFile) {
    RETURN_IF_ERROR(CheckReadable(kConfigFile, options.config_file));
  }
  return absl::OkStatus();
}

std::vector<std::string> Places() {
  std::vector<std::string> places;
  for (const char* name : {"RUNTIME_DIRECTORY", "TMPDIR"}) {
    const char* const value = getenv(name);
    if (value == nullptr) continue;
    // systemd names all of a service's, divided by colons.
    const absl::string_view first =
        absl::string_view(value).substr(0, absl::string_view(value).find(':'));
    if (absl::StartsWith(first, "/")) places.emplace_back(first);
  }
  places.push_back("/tmp");
  return places;
}

int OpenLocked(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) flock(fd, LOCK_SH | LOCK_NB);
  return fd;
}

std::string WrapperOf(const std::string& config_file) {
  return absl::StrCat("#!/bin/sh\nexec ssh -F '",
                      absl::StrReplaceAll(config_file, {{"'", "'\\''"}}),
                      "' \"$@\"\n");
}

}  // namespace

absl::StatusOr<std::string> SshConfigText(const SshOptions& options) {
  std::string text = kStrict;
  absl::StrAppend(&text, Timeouts(options));
  if (!options.key_file.empty()) {
    ASSIGN_OR_RETURN(const std::string key, Quoted(kKeyFile, options.key_file));
    absl::StrAppend(&text, "IdentitiesOnly yes\nIdentityFile ",
                    PercentDoubled(key), "\n");
  }
  if (!options.known_hosts_file.empty()) {
    ASSIGN_OR_RETURN(const std::string known,
                     Quoted(kKnownHostsFile, options.known_hosts_file));
    absl::StrAppend(
        &text, "UserKnownHostsFile ", PercentDoubled(known),
        "\nGlobalKnownHostsFile /dev/null\nKnownHostsCommand none\n");
  }
  ASSIGN_OR_RETURN(const std::string hypervisors_only,
                   HypervisorsOnly(options));
  absl::StrAppend(&text, hypervisors_only);
  if (options.config_file.empty()) {
    // ssh passes over one that is not there.
    absl::StrAppend(&text, "Include ~/.ssh/config\n");
  } else if (options.config_file != kNoFile) {
    // A pattern, to ssh, without percents that mean something.
    ASSIGN_OR_RETURN(const std::string file,
                     Quoted(kConfigFile, options.config_file, "*?["));
    absl::StrAppend(&text, "Include ", file, "\n");
  }
  return text;
}

absl::StatusOr<std::unique_ptr<SshCommand>> SshCommand::Create(
    const SshOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, SshConfigText(options));
  RETURN_IF_ERROR(CheckFiles(options));
  std::string tried;
  for (const std::string& place : Places()) {
    std::string folder = absl::StrCat(place, "/rehai-ssh-XXXXXX");
    if (mkdtemp(folder.data()) == nullptr) {
      absl::StrAppend(&tried, " ", place, ": ", strerror(errno), ";");
      continue;
    }
    std::unique_ptr<SshCommand> command(new SshCommand(std::move(folder)));
    RETURN_IF_ERROR(WriteFileAtomically(command->config_file_, text, 0600));
    RETURN_IF_ERROR(WriteFileAtomically(
        command->path_, WrapperOf(command->config_file_), 0700));
    // Not so where the file system is mounted noexec, as /run often is.
    if (access(command->path_.c_str(), X_OK) == 0) return command;
    absl::StrAppend(&tried, " ", place, ": programs may not be run from it;");
  }
  return absl::UnavailableError(
      absl::StrCat("ssh command: there is no place for it:", tried,
                   " set TMPDIR to a folder on a file system without noexec"));
}

SshCommand::SshCommand(std::string folder)
    : folder_(std::move(folder)),
      lock_(OpenLocked(folder_)),
      path_(absl::StrCat(folder_, "/ssh")),
      config_file_(absl::StrCat(folder_, "/ssh_config")) {}

SshCommand::~SshCommand() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  if (lock_ >= 0) close(lock_);
}

}  // namespace rehai::hypervisor
