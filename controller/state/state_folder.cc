// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

constexpr char kLockFile[] = "/lock";
// What SQLite keeps beside the file, by the ends of the names.
constexpr std::array<const char*, 3> kParts = {"", "-wal", "-shm"};

absl::Status SystemError(const std::string& path, absl::string_view doing) {
  const int error = errno;
  std::string message =
      absl::StrCat(path, ": ", doing, ": ", std::strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::Status MakePrivateFolder(const std::string& path) {
  // Those above it too, as mkdir -p would.
  for (size_t end = path.find('/', 1); end != std::string::npos;
       end = path.find('/', end + 1)) {
    (void)mkdir(path.substr(0, end).c_str(), 0755);
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError(path, "making the folder");
  }
  struct stat found;
  if (stat(path.c_str(), &found) != 0) return SystemError(path, "looking");
  if (!S_ISDIR(found.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": is no folder; name another state.dir"));
  }
  if ((found.st_mode & 0077) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": others may enter it; chmod 0700 ", path));
  }
  return absl::OkStatus();
}

std::string ReadPid(int lock) {
  std::array<char, 32> text = {};
  const ssize_t size = pread(lock, text.data(), text.size() - 1, 0);
  if (size <= 0) return "unknown";
  return std::string(absl::StripAsciiWhitespace(
      absl::string_view(text.data(), static_cast<size_t>(size))));
}

}  // namespace

std::string StateFolder::FileIn(const std::string& path) {
  return path + "/rehai.db";
}

absl::StatusOr<StateFolder> StateFolder::Lock(const std::string& path) {
  if (absl::Status made = MakePrivateFolder(path); !made.ok()) return made;
  const std::string name = path + kLockFile;
  int lock = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  // Who may only read can be the only one, too.
  if (lock < 0) lock = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return SystemError(name, "opening");
  StateFolder folder(path, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError(name, "locking");
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": process ", ReadPid(lock),
                     " is using it; stop that one, or name another state.dir"));
  }
  // For people. The lock does not depend on it, and a full disk has no place
  // for it.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(lock, 0) == 0) {
    (void)!pwrite(lock, pid.data(), pid.size(), 0);
  }
  return folder;
}

StateFolder::StateFolder(StateFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateFolder::~StateFolder() {
  if (lock_ >= 0) close(lock_);
}

absl::StatusOr<std::string> StateFolder::MoveAside(absl::string_view why,
                                                   absl::Time now) {
  const std::string aside = absl::StrCat(
      file(), ".", why, "-",
      absl::FormatTime("%Y%m%dT%H%M%E6SZ", now, absl::UTCTimeZone()));
  for (const char* part : kParts) {
    const std::string from = file() + part;
    const std::string to = aside + part;
    if (rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
      return SystemError(from, "renaming");
    }
  }
  return aside;
}

int64_t BytesOfStateFile(const std::string& file) {
  int64_t bytes = 0;
  for (const char* part : kParts) {
    struct stat found;
    if (stat((file + part).c_str(), &found) == 0) bytes += found.st_size;
  }
  return bytes;
}

}  // namespace rehai
