// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_DISPLAY_URI_H_
#define CONTROLLER_SOURCE_DISPLAY_URI_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rehai {

// A libvirt URI as it may be shown to anyone: without password, and without
// parameters, which name key files and commands.
//   qemu+ssh://root:secret@hv1/system?keyfile=/k -> qemu+ssh://root@hv1/system
std::string DisplayUri(absl::string_view uri);

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_DISPLAY_URI_H_
