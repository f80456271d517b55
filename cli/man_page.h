// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_MAN_PAGE_H_
#define CLI_MAN_PAGE_H_

#include <string>

#include "cli/command_line.h"

namespace rehai::cli {

// The manual page as man(7) source: of one command, or, with null, of the
// program with all its commands. Pure.
std::string ManPage(const ProgramSpec& program, const CommandSpec* command);

}  // namespace rehai::cli

#endif  // CLI_MAN_PAGE_H_
