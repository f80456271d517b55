// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_HOST_FILES_H_
#define TESTS_LAB_HOST_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "tests/lab/guest_xml.h"

namespace rehai::lab {

// Where a host's libvirtd makes its sockets. Below the folder "run", where its
// clients look for them, so that they can be moved there once it is ready.
inline constexpr char kUnpublishedSockets[] = "run/new";

// Fills a host's folder with what its processes read: "run", "etc", "lib",
// "cache" and "log" for libvirt, "drivers" with the modules that it is to load,
// "passwd" and "shadow".
absl::Status WriteHostFiles(Driver driver, const std::string& folder);

}  // namespace rehai::lab

#endif  // TESTS_LAB_HOST_FILES_H_
