// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/virsh.h"

#include <utility>

#include "tests/lab/process.h"

namespace rehai::lab {

absl::StatusOr<std::string> RunVirsh(const std::string& uri,
                                     std::vector<std::string> arguments,
                                     const std::string& input) {
  std::vector<std::string> argv = {"virsh", "-q", "-c", uri};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  // The C locale: tests compare what it says.
  return OutputOf({.argv = std::move(argv), .environment = {{"LC_ALL", "C"}}},
                  input);
}

}  // namespace rehai::lab
