// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/node_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace rehai::chef {
namespace {

// Of what is no name, in the message.
constexpr size_t kLongestQuote = 100;

bool IsNodeNameCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
         c == '_' || c == ':' || c == '-';
}

}  // namespace

absl::Status CheckNodeName(absl::string_view name) {
  if (!name.empty() &&
      std::all_of(name.begin(), name.end(), IsNodeNameCharacter)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Excerpt(name, kLongestQuote),
                   "\" cannot be a Chef node's name; it may hold letters, "
                   "digits and . _ : - only"));
}

}  // namespace rehai::chef
