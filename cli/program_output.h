// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_PROGRAM_OUTPUT_H_
#define CLI_PROGRAM_OUTPUT_H_

#include <google/protobuf/message.h>

#include "cli/arguments.h"
#include "cli/console.h"

namespace rehai::cli {

// Prints the message if `format` is one that programs read; else does nothing
// and gives false, and it is for the command to print it for people.
bool PrintForPrograms(const google::protobuf::Message& message,
                      OutputFormat format, Console& console);

}  // namespace rehai::cli

#endif  // CLI_PROGRAM_OUTPUT_H_
