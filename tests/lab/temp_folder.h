// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_TEMP_FOLDER_H_
#define TESTS_LAB_TEMP_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai::lab {

// A folder /tmp/rehai-NAME-XXXXXX that only we can enter, removed with all that
// is in it by the destructor. Right below /tmp, not in TEST_TMPDIR: the name of
// a unix socket must fit into 107 bytes.
class TempFolder {
 public:
  static absl::StatusOr<std::unique_ptr<TempFolder>> Create(
      absl::string_view name);
  ~TempFolder();

  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  // The path of a file in it.
  std::string operator/(absl::string_view file) const;

 private:
  explicit TempFolder(std::string path);

  const std::string path_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_TEMP_FOLDER_H_
