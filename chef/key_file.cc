// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/rsa_key.h"

namespace rehai::chef {
namespace {

constexpr size_t kMaxKeyBytes = 64 << 10;
constexpr absl::Duration kTimeBetweenLooks = absl::Seconds(5);

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status CannotRead(const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot be read"));
}

int64_t Nanoseconds(const timespec& time) {
  return absl::ToUnixNanos(absl::TimeFromTimespec(time));
}

}  // namespace

absl::Status CheckKeyPermissions(const std::string& path,
                                 const struct stat& found) {
  if ((found.st_mode & (S_IWGRP | S_IROTH | S_IWOTH)) == 0)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": holds a private key, and ",
                   (found.st_mode & S_IROTH) != 0 ? "everybody can read it"
                                                  : "others can change it",
                   absl::StrFormat(" (mode %04o)", found.st_mode & 07777),
                   "; run: chmod g-w,o= ", path));
}

// Not ReadFile(): the permissions are to be those of the very file that is
// read, and no buffer is to stay behind.
absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found = {};
  if (file.get() < 0 || fstat(file.get(), &found) != 0) return CannotRead(path);
  if (!S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a file"));
  }
  RETURN_IF_ERROR(CheckKeyPermissions(path, found));
  if (found.st_size > static_cast<off_t>(kMaxKeyBytes)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is too large for a private key (", found.st_size, " bytes)"));
  }
  std::string text(found.st_size, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const absl::Status status = CannotRead(path);
      Wipe(text);
      return status;
    }
    if (n == 0) break;
    size += n;
  }
  text.resize(size);
  return text;
}

absl::StatusOr<std::unique_ptr<KeyFile>> KeyFile::Open(std::string client_name,
                                                       std::string path,
                                                       SignVersion version,
                                                       const Clock& clock) {
  // The constructor is private, so make_unique cannot be used.
  std::unique_ptr<KeyFile> file(
      new KeyFile(std::move(client_name), std::move(path), version, clock));
  const Version seen = file->Look();
  ASSIGN_OR_RETURN(SignerPtr signer, file->Load());
  MutexLock lock(file->mu_);
  file->signer_ = std::move(signer);
  file->version_ = seen;
  file->next_look_ = clock.Uptime() + kTimeBetweenLooks;
  return file;
}

std::shared_ptr<const RequestSigner> KeyFile::Current() {
  {
    MutexLock lock(mu_);
    if (clock_.Uptime() < next_look_) return signer_;
    next_look_ = clock_.Uptime() + kTimeBetweenLooks;
  }
  return Renewed();
}

std::shared_ptr<const RequestSigner> KeyFile::Renewed() {
  // Before it is read: if it changes in between, the next look reads it again.
  const Version seen = Look();
  {
    MutexLock lock(mu_);
    if (seen == version_) return signer_;
    version_ = seen;  // whatever it holds is read, and told of, once
  }
  absl::StatusOr<SignerPtr> loaded = Load();
  if (loaded.ok()) {
    log::Info("client key read again", {{"file", path_}});
  } else {
    log::Warning("new client key is no good, the old one stays in use",
                 {{"file", path_}, {"why", loaded.status().message()}});
  }
  MutexLock lock(mu_);
  if (loaded.ok()) signer_ = *std::move(loaded);
  return signer_;
}

absl::StatusOr<KeyFile::SignerPtr> KeyFile::Load() const {
  ASSIGN_OR_RETURN(std::string pem, ReadKeyFile(path_));
  absl::StatusOr<RequestSigner> signer =
      RequestSigner::Create(client_name_, pem, sign_version_);
  Wipe(pem);
  if (!signer.ok()) {
    return absl::Status(signer.status().code(),
                        absl::StrCat(path_, ": ", signer.status().message()));
  }
  return std::make_shared<const RequestSigner>(*std::move(signer));
}

// All zero if there is no such file.
KeyFile::Version KeyFile::Look() const {
  struct stat found = {};
  if (stat(path_.c_str(), &found) != 0) return Version();
  return Version(found.st_dev, found.st_ino, found.st_size,
                 Nanoseconds(found.st_mtim), Nanoseconds(found.st_ctim));
}

}  // namespace rehai::chef
