// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/property.h"

#include <simdjson.h>

#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

constexpr size_t kLongestMessage = 4000;

}  // namespace

bool CanBeSent(absl::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::string BrokenError(const absl::Status& status) {
  if (status.ok()) return "an error that is none";
  if (status.message().empty()) return "an error without words";
  if (!CanBeSent(status.message())) return "an error that is not UTF-8";
  if (status.message().size() > kLongestMessage) {
    return absl::StrCat("an error of ", status.message().size(), " bytes");
  }
  return "";
}

absl::string_view TakePart(absl::string_view& rest,
                           absl::string_view separator) {
  const size_t end = rest.find(separator);
  const absl::string_view part = rest.substr(0, end);
  rest = end == absl::string_view::npos ? absl::string_view()
                                        : rest.substr(end + separator.size());
  return part;
}

}  // namespace rehai
