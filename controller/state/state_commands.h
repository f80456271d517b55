// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_STATE_COMMANDS_H_
#define CONTROLLER_STATE_STATE_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"

// What an operator may do with a state folder from outside.
namespace rehai {

// What is in the folder's file, in lines for people. Works beside a running
// controller. kDataLoss: it is damaged; kFailedPrecondition: it is a newer
// program's; else as sqlite.h.
absl::StatusOr<std::string> CheckState(const std::string& folder,
                                       const Clock& clock);

// Writes the folder's state, as it is at one moment, into a new file. Works
// beside a running controller. kAlreadyExists: there is such a file.
absl::Status BackUpState(const std::string& folder, const std::string& file,
                         const Clock& clock);

// The folder holds what the backup holds. What it held before is moved aside;
// returns to where, empty if there was nothing. kFailedPrecondition: a process
// uses the folder, or the backup is a newer program's; kDataLoss: the backup is
// damaged. Then nothing is changed.
absl::StatusOr<std::string> RestoreState(const std::string& file,
                                         const std::string& folder,
                                         const Clock& clock);

}  // namespace rehai

#endif  // CONTROLLER_STATE_STATE_COMMANDS_H_
