// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/runfile.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace rehai::lab {

absl::StatusOr<std::string> Runfile(absl::string_view path) {
  // Bazel keeps them in a folder beside the program.
  std::error_code error;
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe", error).string();
  const std::string file = absl::StrCat(program, ".runfiles/rehai/", path);
  if (access(file.c_str(), R_OK) == 0) return file;
  // One that a test has started finds them among the test's own.
  if (const char* const tests = getenv("TEST_SRCDIR"); tests != nullptr) {
    const std::string other = absl::StrCat(tests, "/rehai/", path);
    if (access(other.c_str(), R_OK) == 0) return other;
  }
  return absl::NotFoundError(absl::StrCat(
      file,
      ": not there; build this program with Bazel and start it where "
      "Bazel put it, or with bazel run"));
}

}  // namespace rehai::lab
