// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::HasSubstr;

std::string TempPath(const std::string& name) {
  return testing::TempDir() + "/" + name;
}

TEST(FileTest, WhatIsWrittenIsRead) {
  const std::string path = TempPath("roundtrip");
  ASSERT_THAT(WriteFileAtomically(path, "a\0b", 0640), IsOk());
  EXPECT_THAT(ReadFile(path), IsOkAndHolds("a"));
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(FileTest, AMissingFileIsNotFoundByName) {
  EXPECT_THAT(
      ReadFile("/nonexistent/x"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nonexistent/x")));
}

TEST(FileTest, AHugeFileIsRefused) {
  const std::string path = TempPath("huge");
  ASSERT_THAT(WriteFileAtomically(path, std::string(100, 'x'), 0600), IsOk());
  EXPECT_THAT(ReadFile(path, 99), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(FileTest, AFailedWriteLeavesNothingBehind) {
  EXPECT_THAT(WriteFileAtomically("/nonexistent/x", "a", 0600),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(FileTest, PathsAreTakenFromTheFolder) {
  EXPECT_EQ(ResolvePath("/etc/rehai", "key.pem"), "/etc/rehai/key.pem");
  EXPECT_EQ(ResolvePath("/etc/rehai", "/k"), "/k");
  EXPECT_EQ(FolderOf("/etc/rehai/rehai.yaml"), "/etc/rehai");
  EXPECT_EQ(FolderOf("rehai.yaml"), ".");
  EXPECT_EQ(FolderOf("/x"), "/");
}

}  // namespace
}  // namespace rehai
