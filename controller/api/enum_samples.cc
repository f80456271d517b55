// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/enum_samples.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace rehai {

std::string EnumLabel(const google::protobuf::EnumValueDescriptor& value) {
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  prefix += '_';
  return absl::AsciiStrToLower(absl::StripPrefix(value.name(), prefix));
}

}  // namespace rehai
