// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_SCRATCH_FOLDER_FIXTURE_H_
#define CONTROLLER_STATE_SCRATCH_FOLDER_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace rehai {

// A new folder for one test, removed with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder() : path_(testing::TempDir() + "state-XXXXXX") {
    EXPECT_NE(mkdtemp(path_.data()), nullptr) << path_;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  // The path of a file in it.
  std::string operator/(const std::string& file) const {
    return path_ + "/" + file;
  }

 private:
  std::string path_;
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_SCRATCH_FOLDER_FIXTURE_H_
