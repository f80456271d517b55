// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CLI_STRUCTURED_OUTPUT_H_
#define CLI_STRUCTURED_OUTPUT_H_

#include <google/protobuf/message.h>

#include <string>

namespace rehai::cli {

// The message as protobuf's JSON with the field names of the .proto files.
// Fields that are not set are there, too, so that a script need not ask first;
// absent messages are not. 64-bit numbers are strings, as JSON's own cannot
// hold them. Ends with a newline.
std::string ToJson(const google::protobuf::Message& message);

// The same on a single line.
std::string ToJsonLine(const google::protobuf::Message& message);

// The same content as a YAML document.
std::string ToYaml(const google::protobuf::Message& message);

}  // namespace rehai::cli

#endif  // CLI_STRUCTURED_OUTPUT_H_
