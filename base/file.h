// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_FILE_H_
#define BASE_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai {

// The whole file. kNotFound, kPermissionDenied or kUnavailable with the name
// and the system's reason; kInvalidArgument if it is larger than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     size_t max_bytes = 64 << 20);

// Replaces the file whole or not at all: readers see the old content or the
// new, never a part. The file has `mode` from its first byte.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view content, int mode);

// `path` as seen from `folder`: unchanged if absolute, expanded if it starts
// with ~/.
std::string ResolvePath(const std::string& folder, const std::string& path);

// The folder part: "/etc/rehai" of "/etc/rehai/rehai.yaml", "." of
// "rehai.yaml".
std::string FolderOf(const std::string& path);

}  // namespace rehai

#endif  // BASE_FILE_H_
