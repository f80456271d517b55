// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_RUNFILE_H_
#define TESTS_LAB_RUNFILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rehai::lab {

// The absolute path of a file that is among this program's `data` in its BUILD
// file, by its path from the workspace: "controller/rehai-controller". Works
// under bazel test, bazel run, when the program is started by hand, and when a
// test starts it that has the file among its own `data`.
// kNotFound if it is not there.
absl::StatusOr<std::string> Runfile(absl::string_view path);

}  // namespace rehai::lab

#endif  // TESTS_LAB_RUNFILE_H_
