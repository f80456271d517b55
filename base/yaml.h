// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef BASE_YAML_H_
#define BASE_YAML_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"

namespace rehai {

// Fills `message` from a YAML document whose keys are the message's field
// names.
//
// Strict, so that a typing error is found when the file is loaded and not at 3
// a.m.: an unknown key, a key given twice, or a value of the wrong type is
// kInvalidArgument. Every problem is reported, one a line, as
//   FILE:LINE: a.b[2].c: what is wrong; what to do
// A key without a value leaves its field unset. Durations
// (google.protobuf.Duration) are written as 200ms, 10s, 5m or 1h.
absl::Status ParseYaml(const std::string& file_name, const std::string& text,
                       google::protobuf::Message& message);

}  // namespace rehai

#endif  // BASE_YAML_H_
