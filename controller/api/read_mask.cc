// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/read_mask.h"

#include <google/protobuf/util/field_mask_util.h>

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace rehai {
namespace {

using google::protobuf::FieldMask;
using google::protobuf::util::FieldMaskUtil;

constexpr int kMaxPaths = 100;
constexpr size_t kExcerptBytes = 64;

absl::Status UnknownPath(const std::string& path,
                         const google::protobuf::Descriptor& message) {
  std::vector<std::string> names;
  for (int i = 0; i < message.field_count(); ++i) {
    names.push_back(message.field(i)->name());
  }
  const std::string shown = Excerpt(path, kExcerptBytes);
  const std::string meant = ClosestWord(shown, names);
  return absl::InvalidArgumentError(absl::StrCat(
      "read_mask: ", shown, " is no path of ", message.full_name(), "; ",
      meant.empty() ? "its proto has its fields; a path ends at a map or list"
                    : absl::StrCat("did you mean ", meant, "?")));
}

}  // namespace

absl::StatusOr<ReadMask> ReadMask::Compile(
    const FieldMask& mask, const google::protobuf::Descriptor& message) {
  if (mask.paths_size() > kMaxPaths) {
    return absl::InvalidArgumentError(
        absl::StrCat("read_mask: more than ", kMaxPaths,
                     " paths; name whole messages, or leave it out"));
  }
  ReadMask read;
  bool has_star = mask.paths().empty();
  for (const std::string& path : mask.paths()) {
    if (path == "*") {
      has_star = true;
      continue;
    }
    // An empty part would be passed over.
    const std::string dotted = absl::StrCat(".", path, ".");
    if (absl::StrContains(dotted, "..") ||
        !FieldMaskUtil::GetFieldDescriptors(&message, path, nullptr)) {
      return UnknownPath(path, message);
    }
    const size_t dot = path.find('.');
    FieldMask& within = read.fields_[path.substr(0, dot)];
    within.add_paths(dot == std::string::npos ? "*" : path.substr(dot + 1));
  }
  read.is_whole_ = has_star;
  for (auto& [field, within] : read.fields_) {
    const auto& paths = within.paths();
    if (std::find(paths.begin(), paths.end(), "*") != paths.end()) {
      within.clear_paths();
    }
  }
  return read;
}

void ReadMask::Copy(absl::string_view field,
                    const google::protobuf::Message& from,
                    google::protobuf::Message& to) const {
  if (is_whole_) return to.CopyFrom(from);
  const auto found = fields_.find(field);
  if (found == fields_.end()) return;
  if (found->second.paths().empty()) return to.CopyFrom(from);
  FieldMaskUtil::MergeMessageTo(from, found->second,
                                FieldMaskUtil::MergeOptions(), &to);
}

}  // namespace rehai
