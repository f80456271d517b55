// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_FLEET_CHANGES_H_
#define CLI_FLEET_CHANGES_H_

#include <string>
#include <vector>

#include "cli/table.h"
#include "rehai/v1/model.pb.h"

namespace rehai::cli {

// One thing that changed, in words.
struct ChangeLine {
  std::string text;
  Colour colour = Colour::kPlain;
};

// What is different about a host, guest by guest. Pure. A record that differs
// only in what nobody needs a line for, such as its age, makes no line.
std::vector<ChangeLine> DescribeChange(const v1::Record& before,
                                       const v1::Record& after);

}  // namespace rehai::cli

#endif  // CLI_FLEET_CHANGES_H_
