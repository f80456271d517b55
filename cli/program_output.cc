// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/program_output.h"

#include "cli/structured_output.h"

namespace rehai::cli {

bool PrintForPrograms(const google::protobuf::Message& message,
                      OutputFormat format, Console& console) {
  if (!IsStructured(format)) return false;
  console.Print(format == OutputFormat::kJson ? ToJson(message)
                                              : ToYaml(message));
  return true;
}

}  // namespace rehai::cli
