// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_SCHEMA_H_
#define CONTROLLER_STATE_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controller/state/sqlite.h"

namespace rehai {

// The format of the state file. PRAGMA user_version is how many of the steps
// were taken; a new format is one more step at the end, and none is ever
// changed. docs/state.md describes the tables.
const std::vector<std::string>& StateSchemaSteps();

// The version that this program reads and writes.
int64_t StateSchemaVersion();

// Brings the file up to the last of `steps`, in one transaction or not at all.
// kFailedPrecondition: it is from a newer program, and is left as it is.
absl::Status Migrate(sqlite::Database& database,
                     const std::vector<std::string>& steps);

}  // namespace rehai

#endif  // CONTROLLER_STATE_SCHEMA_H_
