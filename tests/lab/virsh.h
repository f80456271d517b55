// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_VIRSH_H_
#define TESTS_LAB_VIRSH_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace rehai::lab {

// Runs `virsh -c uri arguments...`; a definition can be fed to it as
// /dev/stdin. Its output, or kInternal with what it complained about.
absl::StatusOr<std::string> RunVirsh(const std::string& uri,
                                     std::vector<std::string> arguments,
                                     const std::string& input = "");

}  // namespace rehai::lab

#endif  // TESTS_LAB_VIRSH_H_
