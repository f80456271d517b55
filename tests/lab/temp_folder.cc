// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/temp_folder.h"

#include <errno.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace rehai::lab {

absl::StatusOr<std::unique_ptr<TempFolder>> TempFolder::Create(
    absl::string_view name) {
  std::string path = absl::StrCat("/tmp/rehai-", name, "-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return absl::ErrnoToStatus(errno, path);
  return std::unique_ptr<TempFolder>(new TempFolder(std::move(path)));
}

TempFolder::TempFolder(std::string path) : path_(std::move(path)) {}

TempFolder::~TempFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (error) {
    log::Warning("temporary folder not removed",
                 {{"folder", path_}, {"error", error.message()}});
  }
}

std::string TempFolder::operator/(absl::string_view file) const {
  return absl::StrCat(path_, "/", file);
}

}  // namespace rehai::lab
