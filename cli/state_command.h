// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_STATE_COMMAND_H_
#define CLI_STATE_COMMAND_H_

#include "absl/status/status.h"
#include "cli/command_line.h"

namespace rehai::cli {

// state check, backup and restore: lets rehai-state take this process's place,
// so that its words and its exit status are what is seen. It is the one beside
// this program, else the one in PATH: only that program opens the controller's
// files, and only on the controller's machine. Returns only if there is none:
// kFailedPrecondition.
absl::Status BecomeRehaiState(const Invocation& invocation);

}  // namespace rehai::cli

#endif  // CLI_STATE_COMMAND_H_
