// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/change_report.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "chef/node_document.h"
#include "rehai/v1/model.pb.h"

namespace rehai::agent {
namespace {

// Keys are names that anyone who may define a guest has chosen: nothing in them
// is to command the terminal, or to look like another line.
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); },
      '?');
  return text;
}

std::string Value(const std::string& json) {
  return json.empty() ? "not there" : Printable(json);
}

std::string Values(size_t count) {
  return absl::StrCat(count, count == 1 ? " value" : " values");
}

std::string Ending(const chef::WriteResult& result) {
  const std::string values = Values(result.differences.size());
  switch (result.outcome) {
    case v1::WRITE_OUTCOME_UNCHANGED:
      return "unchanged";
    case v1::WRITE_OUTCOME_WOULD_WRITE:
      return absl::StrCat("would be written, ", values, " would change");
    default:
      return absl::StrCat("written, ", values, " changed");
  }
}

}  // namespace

std::string ChangeReport(const std::string& node,
                         const chef::WriteResult& result) {
  std::string text;
  for (const chef::PathDifference& difference : result.differences) {
    absl::StrAppend(&text, Printable(difference.path), ": ",
                    Value(difference.before), " -> ", Value(difference.after),
                    "\n");
  }
  absl::StrAppend(&text, "node ", node, ": ", Ending(result), "\n");
  return text;
}

}  // namespace rehai::agent
