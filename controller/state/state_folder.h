// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_STATE_FOLDER_H_
#define CONTROLLER_STATE_STATE_FOLDER_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rehai {

// The folder that holds the state file, and the right to be the only process
// that uses it, as long as this lives. The system gives the right back when the
// process ends, however it ends.
class StateFolder {
 public:
  // Makes the folder if it is not there; only its owner may enter it.
  // kFailedPrecondition: another process has it (the message names its pid), or
  // the folder is open to others; kPermissionDenied, kResourceExhausted or
  // kUnavailable: the system's reason.
  static absl::StatusOr<StateFolder> Lock(const std::string& path);

  StateFolder(StateFolder&& other) noexcept;
  StateFolder& operator=(StateFolder&&) = delete;
  ~StateFolder();

  // The state file in the folder.
  std::string file() const { return FileIn(path_); }
  static std::string FileIn(const std::string& path);

  // Renames the state file, and what SQLite keeps beside it, to
  // rehai.db.WHY-TIME. Returns the new name.
  absl::StatusOr<std::string> MoveAside(absl::string_view why, absl::Time now);

 private:
  StateFolder(std::string path, int lock)
      : path_(std::move(path)), lock_(lock) {}

  std::string path_;
  int lock_;  // -1: moved from
};

// Bytes of the state file and of what SQLite keeps beside it.
int64_t BytesOfStateFile(const std::string& file);

}  // namespace rehai

#endif  // CONTROLLER_STATE_STATE_FOLDER_H_
