// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/kept_identity.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "chef/key_file.h"
#include "chef/rsa_key.h"

namespace rehai::agent {
namespace {

absl::Status NoFolder(int error, const std::string& folder,
                      absl::string_view what) {
  return absl::ErrnoToStatus(
      error, absl::StrCat("--state_folder ", folder, ": ", what,
                          "; give one that the agent's user may write to"));
}

}  // namespace

absl::Status PrepareStateFolder(const std::string& folder) {
  if (folder.empty()) {
    return absl::InvalidArgumentError(
        "--state_folder: missing; it holds the certificate that the "
        "controller issues");
  }
  if (mkdir(folder.c_str(), 0700) == 0) return absl::OkStatus();
  struct stat found = {};
  if (errno != EEXIST) return NoFolder(errno, folder, "cannot be made");
  if (stat(folder.c_str(), &found) != 0) {
    return NoFolder(errno, folder, "cannot be looked at");
  }
  if (!S_ISDIR(found.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--state_folder ", folder, ": is not a folder"));
  }
  // Who can change the folder can put another's key into it.
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--state_folder ", folder, ": will hold a private key, and others can ",
        "change it", absl::StrFormat(" (mode %04o)", found.st_mode & 07777),
        "; run: chmod 0700 ", folder));
  }
  if (access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return NoFolder(errno, folder, "cannot be written to");
  }
  return absl::OkStatus();
}

std::string KeptFile(const std::string& folder) {
  return absl::StrCat(folder, "/controller-identity.pem");
}

absl::StatusOr<TlsIdentity> LoadKept(const std::string& folder) {
  const std::string path = KeptFile(folder);
  ASSIGN_OR_RETURN(std::string text, chef::ReadKeyFile(path));
  absl::StatusOr<TlsIdentity> identity = TlsIdentity::Parse(text);
  chef::Wipe(text);
  if (identity.ok()) return identity;
  return absl::Status(identity.status().code(),
                      absl::StrCat(path, ": ", identity.status().message()));
}

absl::Status Keep(const std::string& folder, const TlsIdentity& identity) {
  std::string text = identity.Text();
  absl::Status status = WriteFileAtomically(KeptFile(folder), text, 0600);
  chef::Wipe(text);
  return status;
}

}  // namespace rehai::agent
