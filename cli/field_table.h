// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_FIELD_TABLE_H_
#define CLI_FIELD_TABLE_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/table.h"

namespace rehai::cli {

// A table with a column for each of `paths`, as a field mask names them
// ("guest.memory_kib", "labels.rack"), and a row for each message. Values that
// are no single word are compact JSON, and times local. kInvalidArgument if a
// message of this type has no such field; it says what may have been meant.
// Pure but for the local time zone.
absl::StatusOr<std::string> FieldTable(
    const google::protobuf::Descriptor& type,
    const std::vector<const google::protobuf::Message*>& rows,
    const std::vector<std::string>& paths, const Look& look);

}  // namespace rehai::cli

#endif  // CLI_FIELD_TABLE_H_
