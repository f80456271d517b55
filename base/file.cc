// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

absl::Status FromErrno(int error, const std::string& path,
                       absl::string_view doing) {
  const std::string message =
      absl::StrCat(path, ": cannot ", doing, ": ", strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::Status WriteAll(int fd, absl::string_view content,
                      const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno(errno, path, "write");
    content.remove_prefix(n);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, path, "read");
  const auto closer = absl::MakeCleanup([fd] { close(fd); });
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FromErrno(errno, path, "read");
    if (n == 0) return content;
    content.append(buffer, n);
    if (content.size() > max_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": larger than the ", max_bytes, " bytes expected here"));
    }
  }
}

absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view content, int mode) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return FromErrno(errno, path, "write");
  absl::Status status = WriteAll(fd, content, path);
  if (status.ok() && fchmod(fd, mode) != 0) {
    status = FromErrno(errno, path, "set its mode");
  }
  if (status.ok() && fsync(fd) != 0) status = FromErrno(errno, path, "sync");
  close(fd);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = FromErrno(errno, path, "replace");
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

std::string ResolvePath(const std::string& folder, const std::string& path) {
  if (absl::StartsWith(path, "/")) return path;
  if (absl::StartsWith(path, "~/")) {
    const char* home = getenv("HOME");
    return absl::StrCat(home == nullptr ? "" : home, path.substr(1));
  }
  return absl::StrCat(folder, "/", path);
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace rehai
